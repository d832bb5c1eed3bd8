"""Kafka's producer as librdkafka has it: records go out with key, headers and partition as they are given."""

import ctypes
import ctypes.util

_END, _TOPIC, _PARTITION, _VALUE, _KEY, _FLAGS, _HEADERS = 0, 1, 3, 4, 5, 7, 10  # rd_kafka_vtype_t
_COPY, _BLOCK = 2, 4
_PRODUCER = 0


class Producer:
    """A context manager; on leaving it, every record is acknowledged or an OSError says that it is not."""

    def __init__(self, brokers):
        self._lib = ctypes.CDLL(ctypes.util.find_library("rdkafka") or "librdkafka.so.1")
        for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_headers_new"):
            getattr(self._lib, name).restype = ctypes.c_void_p
        conf, why = ctypes.c_void_p(self._lib.rd_kafka_conf_new()), ctypes.create_string_buffer(500)
        self._lib.rd_kafka_conf_set(conf, b"bootstrap.servers", brokers.encode(), why, ctypes.c_size_t(500))
        self._client = ctypes.c_void_p(self._lib.rd_kafka_new(_PRODUCER, conf, why, ctypes.c_size_t(500)))
        if not self._client:
            raise OSError(why.value.decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        failed = self._lib.rd_kafka_flush(self._client, 60_000)
        self._lib.rd_kafka_destroy(self._client)
        if failed:
            raise OSError(f"librdkafka could not send all: error {failed}")

    def send(self, topic, partition, key, value, headers):
        """`key`, `value`: text or None; `headers`: pairs of text."""
        lib, added = self._lib, ctypes.c_void_p(self._lib.rd_kafka_headers_new(ctypes.c_size_t(len(headers))))
        for name, text in headers:
            lib.rd_kafka_header_add(added, name.encode(), ctypes.c_ssize_t(-1), text.encode(),
                                    ctypes.c_ssize_t(len(text.encode())))
        what = [_TOPIC, topic.encode(), _PARTITION, partition, _FLAGS, _COPY | _BLOCK]
        for kind, text in ((_KEY, key), (_VALUE, value)):
            data = None if text is None else text.encode()
            what += [kind, data, ctypes.c_size_t(len(data or b""))]
        failed = lib.rd_kafka_producev(self._client, *what, _HEADERS, added, _END)
        if failed:
            raise OSError(f"librdkafka takes no record: error {failed}")
