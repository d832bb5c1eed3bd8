#include "plugin/host.h"

#include <exception>
#include <type_traits>

#include "base/log.h"
#include "plugin/context.h"

namespace reprise::runtime {
namespace {

/// The edge: nothing thrown on our side (out of memory, at worst) may reach a plugin.
template <auto kFunction, class Signature>
struct Edge;

template <auto kFunction, class R, class... Args>
struct Edge<kFunction, R (*)(Args...)> {
  static R Call(Args... args) noexcept {
    try {
      return kFunction(args...);
    } catch (const std::exception& e) {
      Log(LogLevel::kError, "the host failed inside a plugin's call (our fault)",
          {{"why", e.what()}});
      if constexpr (std::is_same_v<R, reprise_status>) {
        return {REPRISE_INTERNAL, Str("the host failed")};
      } else {
        return R();
      }
    }
  }
};

template <auto kFunction>
constexpr auto kEdge = &Edge<kFunction, decltype(kFunction)>::Call;

}  // namespace

const reprise_host kHost = {
    sizeof(reprise_host),  kEdge<&host::Text>,      kEdge<&host::Number>,      kEdge<&host::Field>,
    kEdge<&host::Query>,   kEdge<&host::QueryRows>, kEdge<&host::Count>,       kEdge<&host::Saga>,
    kEdge<&host::Emit>,    kEdge<&host::After>,     kEdge<&host::CancelAfter>, kEdge<&host::Send>,
    kEdge<&host::Respond>, kEdge<&host::Hint>,      kEdge<&host::WriteLog>,    kEdge<&host::Metric>,
    kEdge<&host::Finish>,  kEdge<&host::Found>,     kEdge<&host::Answer>,
};

}  // namespace reprise::runtime
