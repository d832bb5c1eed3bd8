#include "redis/tls.h"

#include <hiredis/hiredis.h>

#ifdef REPRISE_REDIS_TLS
#include <memory>

#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>
#endif

namespace reprise::runtime::redis {

#ifdef REPRISE_REDIS_TLS

bool HasTls() {
  return true;
}

Status StartTls(redisContext& context, const std::string& host) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> settings(SSL_CTX_new(TLS_client_method()),
                                                              SSL_CTX_free);
  if (settings == nullptr || SSL_CTX_set_default_verify_paths(settings.get()) != 1 ||
      SSL_CTX_set_min_proto_version(settings.get(), TLS1_2_VERSION) != 1) {
    return Error{Code::kUnavailable, "TLS cannot be set up"};
  }
  SSL_CTX_set_verify(settings.get(), SSL_VERIFY_PEER, nullptr);
  SSL* tls = SSL_new(settings.get());
  // hiredis itself looks at no name.
  if (tls == nullptr || SSL_set1_host(tls, host.c_str()) != 1 ||
      SSL_set_tlsext_host_name(tls, host.c_str()) != 1) {
    SSL_free(tls);
    return Error{Code::kUnavailable, "TLS cannot be set up"};
  }
  if (redisInitiateSSL(&context, tls) != REDIS_OK) {  // owns it now, also when it fails
    return Error{Code::kUnavailable, std::string("TLS: ") + context.errstr};
  }
  return {};
}

#else

bool HasTls() {
  return false;
}

Status StartTls(redisContext&, const std::string&) {
  return NoTls();
}

#endif

Error NoTls() {
  return {Code::kInvalid, "redis url: rediss:// needs hiredis 1.0 or later, this is built with " +
                              std::to_string(HIREDIS_MAJOR) + "." + std::to_string(HIREDIS_MINOR) +
                              "; use a TLS proxy on this machine and redis://"};
}

}  // namespace reprise::runtime::redis
