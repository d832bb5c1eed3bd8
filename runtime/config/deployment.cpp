#include "config/deployment.h"

#include <fmt/format.h>

#include "base/suggest.h"
#include "config/settings.h"
#include "config/values.h"

namespace reprise::runtime {
namespace {

bool GoodAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const auto port = ParseInteger(text.substr(colon + 1));
  return port && *port >= 0 && *port <= 65535;
}

void TextAt(const Node& map, std::string_view key, std::string& out, Sink& sink) {
  if (const Node* node = map.Find(key))
    out = AsText(*node, fmt::format("'{}'", key), sink).value_or(out);
}

/// An address with a password, or a secret, must come from outside the file.
void CheckFromOutside(const Node& node, bool secret, Sink& sink) {
  if (!secret || node.filled || node.bad || !node.scalar() || node.text.empty()) return;
  sink.Error("RPR024", node, "a secret stands in the file; write ${VAR} or ${file:/path}");
}

void ReadUrl(const Node& map, std::string& out, Sink& sink) {
  TextAt(map, "url", out, sink);
  if (const Node* url = map.Find("url"))
    CheckFromOutside(*url, MaskedAddress(url->text) != url->text, sink);
}

void ReadKafka(const Node& node, Deployment::Cluster& cluster, Sink& sink) {
  if (!CheckMap(node, "'kafka'", {"brokers", "options"}, sink)) return;
  TextAt(node, "brokers", cluster.kafka_brokers, sink);
  const Node* options = node.Find("options");
  if (options == nullptr) return;
  if (!options->map()) {
    sink.Error("RPR012", *options,
               fmt::format("'options' must be a map, not {}", KindName(*options)));
    return;
  }
  for (const Node::Entry& entry : options->entries) {
    if (const auto text = AsText(entry.value, "an option", sink))
      cluster.kafka_options[entry.key.text] = *text;
    CheckFromOutside(entry.value, SoundsSecret(entry.key.text), sink);
  }
}

void ReadCluster(const Node& node, Deployment::Cluster& cluster, Sink& sink) {
  if (!CheckMap(node, "'cluster'", {"prefix", "partitions", "kafka", "postgres", "redis"}, sink))
    return;
  if (const Node* n = node.Find("prefix"))
    cluster.prefix = AsName(*n, "'prefix'", sink).value_or(cluster.prefix);
  if (const Node* n = node.Find("partitions")) {
    cluster.partitions =
        static_cast<int>(AsInteger(*n, "'partitions'", 1, 4096, sink).value_or(cluster.partitions));
  }
  if (const Node* n = node.Find("kafka")) ReadKafka(*n, cluster, sink);
  if (const Node* n = node.Find("postgres");
      n != nullptr && CheckMap(*n, "'postgres'", {"url"}, sink)) {
    ReadUrl(*n, cluster.postgres_url, sink);
  }
  if (const Node* n = node.Find("redis"); n != nullptr && CheckMap(*n, "'redis'", {"url"}, sink)) {
    ReadUrl(*n, cluster.redis_url, sink);
  }
}

void ReadLimits(const Node& node, Deployment::Limits& limits, Sink& sink) {
  if (!CheckMap(node, "'limits'", {"batch", "outbox", "body"}, sink)) return;
  if (const Node* n = node.Find("batch")) {
    limits.batch =
        static_cast<int>(AsInteger(*n, "'batch'", 1, 10'000, sink).value_or(limits.batch));
  }
  if (const Node* n = node.Find("outbox"))
    limits.outbox_bytes = AsBytes(*n, "'outbox'", sink).value_or(limits.outbox_bytes);
  if (const Node* n = node.Find("body"))
    limits.body_bytes = AsBytes(*n, "'body'", sink).value_or(limits.body_bytes);
}

void ReadPlugins(const Node& node, const PluginCatalog& catalog, Deployment& out, Sink& sink) {
  if (!node.map()) {
    sink.Error("RPR012", node, fmt::format("'plugins' must be a map, not {}", KindName(node)));
    return;
  }
  std::vector<std::string> known;
  for (const auto& [name, info] : catalog) known.push_back(name);
  for (const Node::Entry& entry : node.entries) {
    const auto plugin = catalog.find(entry.key.text);
    if (plugin == catalog.end()) {
      sink.Unknown("RPR040", entry.key, fmt::format("plugin '{}' is not installed", entry.key.text),
                   known);
      continue;
    }
    const Node* settings = entry.value.kind == Node::Kind::kNull ? nullptr : &entry.value;
    out.plugins[plugin->first] = BindSettings(settings, entry.key, "plugin '" + plugin->first + "'",
                                              plugin->second.settings, sink);
  }
}

}  // namespace

Deployment ReadDeployment(const Node& root, const PluginCatalog* catalog, Sink& sink) {
  Deployment out;
  out.file = sink.source().file;
  if (!CheckMap(root, "a runtime file",
                {"runtime", "engine", "listen", "plugin_path", "embedded", "cluster", "plugins",
                 "limits", "keep"},
                sink)) {
    return out;
  }
  if (const Node* n = root.Find("runtime"))
    out.name = AsName(*n, "a runtime", sink).value_or(out.name);
  out.cluster.prefix = out.name;
  if (const Node* n = root.Find("engine"))
    out.engine = AsOneOf(*n, "'engine'", {"embedded", "cluster"}, sink).value_or(out.engine);
  if (const Node* n = root.Find("listen")) {
    const auto text = AsText(*n, "'listen'", sink);
    if (text && !GoodAddress(*text))
      sink.Error("RPR013", *n, fmt::format("'listen' must be HOST:PORT, not '{}'", *text));
    out.listen = text.value_or(out.listen);
  }
  if (const Node* n = root.Find("plugin_path")) {
    for (const Node* item : AsList(*n, "'plugin_path'", sink)) {
      if (!item->bad) out.plugin_path.push_back(item->text);
    }
  }
  if (const Node* n = root.Find("embedded");
      n != nullptr && CheckMap(*n, "'embedded'", {"file"}, sink)) {
    TextAt(*n, "file", out.embedded.file, sink);
  }
  if (const Node* n = root.Find("cluster")) ReadCluster(*n, out.cluster, sink);
  if (const Node* n = root.Find("limits")) ReadLimits(*n, out.limits, sink);
  if (const Node* n = root.Find("keep");
      n != nullptr && CheckMap(*n, "'keep'", {"done", "undone"}, sink)) {
    if (const Node* done = n->Find("done"))
      out.keep_done = AsDuration(*done, "'done'", sink).value_or(out.keep_done);
    if (const Node* undone = n->Find("undone"))
      out.keep_undone = AsDuration(*undone, "'undone'", sink).value_or(out.keep_undone);
  }
  if (const Node* n = root.Find("plugins"); n != nullptr && catalog != nullptr)
    ReadPlugins(*n, *catalog, out, sink);
  return out;
}

void FillPlugins(Deployment& deployment, const PluginCatalog& catalog,
                 const std::set<std::string>& used, const Node& root, Sink& sink) {
  std::vector<Finding> unimportant;
  Sink quiet(sink.source(), unimportant);
  for (const auto& [name, plugin] : catalog) {
    if (deployment.plugins.contains(name)) continue;
    Sink& told = used.contains(name) ? sink : quiet;
    deployment.plugins[name] =
        BindSettings(nullptr, root, "plugin '" + name + "'", plugin.settings, told);
  }
}

std::vector<std::string> ApplyOverrides(Deployment& deployment, const Environment& environment,
                                        const Overrides& overrides) {
  const std::string engine = deployment.engine, listen = deployment.listen;  // checked when read
  const auto set = [&](const std::optional<std::string>& flag, const char* variable,
                       std::string& out) {
    const auto value = environment(variable);
    if (value && !value->empty()) out = *value;
    if (flag) out = *flag;
  };
  set(overrides.engine, "REPRISE_ENGINE", deployment.engine);
  set(overrides.listen, "REPRISE_LISTEN", deployment.listen);
  set(overrides.file, "REPRISE_FILE", deployment.embedded.file);
  set(std::nullopt, "REPRISE_KAFKA", deployment.cluster.kafka_brokers);
  set(overrides.postgres, "REPRISE_POSTGRES", deployment.cluster.postgres_url);
  if (overrides.prefix) deployment.cluster.prefix = *overrides.prefix;
  set(std::nullopt, "REPRISE_REDIS", deployment.cluster.redis_url);
  std::vector<std::string> wrong;
  const std::vector<std::string> engines = {"embedded", "cluster"};
  if (deployment.engine != engine && deployment.engine != "embedded" &&
      deployment.engine != "cluster") {
    wrong.push_back(
        fmt::format("engine must be 'embedded' or 'cluster', not '{}'", deployment.engine) +
        DidYouMean(deployment.engine, engines));
  }
  if (deployment.listen != listen && !GoodAddress(deployment.listen)) {
    wrong.push_back(fmt::format("listen must be HOST:PORT, not '{}'", deployment.listen));
  }
  return wrong;
}

}  // namespace reprise::runtime
