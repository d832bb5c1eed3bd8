#include "libpq.h"

#include <stdexcept>

#include <dlfcn.h>

namespace reprise::testkit {
namespace {

template <class F>
void Find(void* library, const char* name, F*& into) {
  into = reinterpret_cast<F*>(::dlsym(library, name));
  if (into == nullptr) throw std::runtime_error(std::string("libpq.so.5 has no ") + name);
}

Libpq Load() {
  void* const library = ::dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const why = ::dlerror();  // NOLINT(concurrency-mt-unsafe): of this thread
    throw std::runtime_error(
        std::string("REPRISE_TESTKIT_POSTGRES is set, but PostgreSQL's client library cannot be "
                    "loaded (Debian: libpq5): ") +
        (why == nullptr ? "no reason given" : why));
  }
  Libpq pq{};
  Find(library, "PQconnectdbParams", pq.connect);
  Find(library, "PQfinish", pq.finish);
  Find(library, "PQstatus", pq.status);
  Find(library, "PQerrorMessage", pq.session_error);
  Find(library, "PQbackendPID", pq.backend);
  Find(library, "PQconninfoParse", pq.parse);
  Find(library, "PQconninfoFree", pq.free_parsed);
  Find(library, "PQfreemem", pq.free_text);
  Find(library, "PQexec", pq.execute);
  Find(library, "PQexecParams", pq.execute_with);
  Find(library, "PQtransactionStatus", pq.state);
  Find(library, "PQresultStatus", pq.result_status);
  Find(library, "PQresultErrorField", pq.error_field);
  Find(library, "PQclear", pq.clear);
  Find(library, "PQcmdStatus", pq.tag);
  Find(library, "PQcmdTuples", pq.changed);
  Find(library, "PQntuples", pq.rows);
  Find(library, "PQnfields", pq.columns);
  Find(library, "PQftype", pq.type);
  Find(library, "PQgetisnull", pq.null);
  Find(library, "PQgetlength", pq.length);
  Find(library, "PQgetvalue", pq.value);
  return pq;
}

}  // namespace

const Libpq& Libpq::Get() {
  static const Libpq pq = Load();
  return pq;
}

}  // namespace reprise::testkit
