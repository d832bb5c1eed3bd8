/// Cash receipts at a provider that speaks Toss Payments' API, issued and cancelled.
///
/// Both calls carry an Idempotency-Key, which the provider honours: the same call again has the
/// same answer and no second effect.  So a call whose answer was lost is simply made again.
#include <optional>
#include <string>
#include <string_view>

#include <reprise/http.hpp>
#include <reprise/json.hpp>
#include <reprise/plugin.hpp>

namespace receipt {

using namespace reprise;

struct Settings {
  std::string url, key;
  std::string order_name = "Concert ticket";
  std::string type = "소득공제";
  std::string customer = "0100001234";
  static void Describe(auto& d) {
    d("url", &Settings::url, "base of the provider's API, without path; empty: no receipts");
    d("key", &Settings::key, "the provider's secret key").Secret();
    d("order_name", &Settings::order_name, "what was bought; the seat is added to it");
    d("type", &Settings::type, "소득공제 (income deduction) or 지출증빙 (proof of expense)");
    d("customer", &Settings::customer,
      "the identity number where the payload has no customerIdentityNumber; 010-000-1234 is the one"
      " for receipts that nobody asked for");
  }
};

class Receipt : public Plugin<Settings> {
 public:
  static constexpr About kAbout{"receipt", "1.0.0", "Cash receipts, issued and cancelled."};

  Status Start(Context& ctx) override {
    if (!settings().url.empty() && settings().key.empty()) {
      ctx.Log(Level::kWarning, "receipt: url is set, key is empty: the provider will refuse");
    }
    return {};
  }
};

struct IssueIn {
  std::string paymentId;
  std::int64_t amount = 0;
  std::optional<std::string> seatId, customerIdentityNumber;
  static void Describe(auto& d) {
    d("paymentId", &IssueIn::paymentId, "the order of the receipt");
    d("amount", &IssueIn::amount, "what was paid").Min(0);
    d("seatId", &IssueIn::seatId, "what was bought");
    d("customerIdentityNumber", &IssueIn::customerIdentityNumber, "whom the receipt is for");
  }
};

/// A receipt's key as one part of a path.
std::string Escaped(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

class Issue : public Action<Receipt, IssueIn> {
 public:
  static constexpr About kAbout{.name = "issue",
                                .summary = "Issues a cash receipt; Undo cancels it."};
  static constexpr Problem kErrors[] = {
      {"no_provider", 503, "There is a receipt to cancel, and no url is set any more."}};
  static constexpr Effects kEffects = Effects::kExternal;
  static constexpr bool kIdempotent = true;

  Outcome Do(Context& ctx, const IssueIn& in) const override {
    if (plugin().settings().url.empty()) {
      ctx.Log(Level::kInfo, "no receipt for payment {}: receipt.url is not set", in.paymentId);
      return Done();
    }
    if (in.amount == 0) return Done();  // nothing was paid
    return IssueUnder(ctx, in, ctx.idempotency_key());
  }

  Outcome Undo(Context& ctx, const IssueIn& in) const override {
    std::string key(ctx.memo());
    if (key.empty()) {
      // Done without a receipt, or never done.  Unknown: a receipt may stand whose key we do not
      // have.  The same call again answers with it, or issues the one that is cancelled next:
      // either way none stands.  If it is refused nothing is known, and a person must look.
      if (ctx.last() != Last::kUnknown || in.amount == 0 || plugin().settings().url.empty())
        return Done();
      const Outcome issued = IssueUnder(ctx, in, ctx.do_key());
      if (issued.verdict != Outcome::kDone) return issued;
      key = issued.memo;
    }
    if (plugin().settings().url.empty()) return Fail("no_provider", "receipt " + key + " stands");
    boost::json::object body;
    body["amount"] = in.amount;
    Http http = Provider(ctx);
    return Judged(http.Post("/v1/cash-receipts/" + Escaped(key) + "/cancel", ToJson(body)));
  }

 private:
  Http Provider(Context& ctx) const {
    Http http(ctx, plugin().settings().url);
    http.Basic(plugin().settings().key, "");
    return http;
  }

  /// 409 says that the first call of this key is still being worked on.
  static Outcome Judged(const HttpReply& reply) {
    if (reply.status == 409) return Retry("http_409", reply.verdict.detail);
    return reply.verdict;
  }

  Outcome IssueUnder(Context& ctx, const IssueIn& in, std::string_view idempotency_key) const {
    const auto& settings = plugin().settings();
    boost::json::object body;
    body["amount"] = in.amount;
    body["orderId"] = in.paymentId;
    body["orderName"] = in.seatId ? settings.order_name + " " + *in.seatId : settings.order_name;
    body["customerIdentityNumber"] = in.customerIdentityNumber.value_or(settings.customer);
    body["type"] = settings.type;
    Http http = Provider(ctx);
    http.Key(idempotency_key);
    const HttpReply reply = http.Post("/v1/cash-receipts", ToJson(body));
    if (!reply.ok()) return Judged(reply);
    const auto answer = ParseJsonObject(reply.body);
    const std::string key = answer ? TextIn(*answer, "receiptKey") : std::string();
    if (key.empty()) return Retry("bad_reply", "no receiptKey in: " + reply.body.substr(0, 200));
    return Done(key);
  }
};

REPRISE_PLUGIN(Receipt, Issue);

}  // namespace receipt
