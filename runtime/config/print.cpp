#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "config/deployment.h"

namespace reprise::runtime {
namespace {

constexpr std::string_view kMask = "***";

/// As a text that Interpolate gives back: `${x}` is `${{x}}`; one that never ends is put together.
std::string Quoted(std::string_view text) {
  std::string out;
  for (size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${")) {
    const size_t end = text.find('}', at);
    out += text.substr(0, at);
    if (end == std::string_view::npos) {
      out += "${DOLLAR:$}{";
      text.remove_prefix(at + 2);
    } else {
      out += fmt::format("${{{{{}}}}}", text.substr(at + 2, end - at - 2));
      text.remove_prefix(end + 1);
    }
  }
  return json::serialize(json::string(out += text));
}

std::string Size(std::int64_t bytes) {
  for (const auto& [unit, name] :
       {std::pair{std::int64_t{1} << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}}) {
    if (bytes % unit == 0) return fmt::format("{}{}", bytes / unit, name);
  }
  return std::to_string(bytes);
}

std::string Shown(const FieldInfo& field, const json::value& value) {
  const bool empty = value.is_string() && value.get_string().empty();
  if (field.secret && !empty) return Quoted(kMask);
  if (field.type == FieldType::kDuration && value.is_int64())
    return FormatDuration(Millis(value.get_int64()));
  return value.is_string() ? Quoted(MaskedAddress(std::string(value.get_string())))
                           : json::serialize(value);
}

std::string Plugins(const Deployment& deployment, const PluginCatalog& catalog) {
  std::string out;
  for (const auto& [name, settings] : deployment.plugins) {
    const auto plugin = catalog.find(name);
    if (plugin == catalog.end() || settings.empty()) continue;
    out += "  " + name + ":\n";
    for (const FieldInfo& field : plugin->second.settings) {
      const json::value* value = settings.if_contains(field.name);
      if (value != nullptr) out += "    " + field.name + ": " + Shown(field, *value) + "\n";
    }
  }
  return out.empty() ? "" : "plugins:\n" + out;
}

std::string Paths(const std::vector<std::string>& paths) {
  std::string out;
  for (const std::string& path : paths) out += (out.empty() ? "" : ", ") + Quoted(path);
  return "plugin_path: [" + out + "]\n";
}

std::string Cluster(const Deployment::Cluster& cluster) {
  std::string out = "cluster:\n";
  out += "  prefix: " + cluster.prefix + "\n";
  out += fmt::format("  partitions: {}\n", cluster.partitions);
  out += "  kafka:\n    brokers: " + Quoted(cluster.kafka_brokers) + "\n";
  if (!cluster.kafka_options.empty()) out += "    options:\n";
  for (const auto& [name, value] : cluster.kafka_options) {
    out += "      " + name + ": " + Quoted(SoundsSecret(name) ? kMask : value) + "\n";
  }
  out += "  postgres: { url: " + Quoted(MaskedAddress(cluster.postgres_url)) + " }\n";
  out += "  redis: { url: " + Quoted(MaskedAddress(cluster.redis_url)) + " }\n";
  return out;
}

}  // namespace

std::string MaskedAddress(std::string address) {
  const size_t scheme = address.find("://");
  const size_t at = address.rfind('@');
  if (scheme != std::string::npos && at != std::string::npos && at > scheme) {
    const size_t colon = address.find(':', scheme + 3);
    if (colon < at) address.replace(colon + 1, at - colon - 1, kMask);
  }
  for (size_t word = address.find("password="); word != std::string::npos;
       word = address.find("password=", word + 9)) {
    const size_t end = std::min(address.find_first_of(" &", word), address.size());
    address.replace(word + 9, end - word - 9, kMask);
  }
  return address;
}

bool SoundsSecret(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<std::string_view, 5> kWords = {"password", "secret", "token", ".pem",
                                                      "jaas"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return name.find(word) != std::string::npos; });
}

std::string Print(const Deployment& deployment, const PluginCatalog& catalog) {
  std::string out = "runtime: " + deployment.name + "\n";
  out += "engine: " + deployment.engine + "\n";
  out += "listen: " + Quoted(deployment.listen) + "\n";
  if (!deployment.plugin_path.empty()) out += Paths(deployment.plugin_path);
  out += "embedded: { file: " + Quoted(deployment.embedded.file) + " }\n";
  out += Cluster(deployment.cluster);
  out += Plugins(deployment, catalog);
  out += fmt::format("limits: {{ batch: {}, outbox: {}, body: {} }}\n", deployment.limits.batch,
                     Size(deployment.limits.outbox_bytes), Size(deployment.limits.body_bytes));
  out += fmt::format("keep: {{ done: {}, undone: {} }}\n", FormatDuration(deployment.keep_done),
                     FormatDuration(deployment.keep_undone));
  return out;
}

}  // namespace reprise::runtime
