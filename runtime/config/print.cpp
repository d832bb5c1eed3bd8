// `reprise config print`: the deployment as it is in effect, secrets masked.
#include <yaml-cpp/yaml.h>

#include "config/deployment.h"

namespace reprise::runtime {
namespace {

/// A password inside an address is nobody's business: scheme://user:***@host.
std::string WithoutPassword(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t at = url.find('@', scheme == std::string::npos ? 0 : scheme + 3);
  if (scheme == std::string::npos || at == std::string::npos) return url;
  const std::size_t colon = url.find(':', scheme + 3);
  if (colon == std::string::npos || colon > at) return url;
  return url.substr(0, colon + 1) + "***" + url.substr(at);
}

bool IsSecret(const PluginCatalog& catalog, const std::string& plugin, std::string_view name) {
  const auto it = catalog.find(plugin);
  if (it == catalog.end()) return false;
  for (const FieldInfo& field : it->second.settings) {
    if (field.name == name) return field.secret;
  }
  return false;
}

void Write(YAML::Emitter& out, const json::value& value) {
  if (value.is_string()) {
    out << YAML::DoubleQuoted << std::string(value.get_string());
  } else {
    out << json::serialize(value);
  }
}

}  // namespace

std::string Print(const Deployment& deployment, const PluginCatalog& catalog) {
  YAML::Emitter out;
  const auto line = [&](const char* name, const auto& value) {
    out << YAML::Key << name << YAML::Value << value;
  };
  const auto map = [&](const char* name) {
    out << YAML::Key << name << YAML::Value << YAML::BeginMap;
  };
  out << YAML::BeginMap;
  line("runtime", deployment.name);
  line("engine", deployment.engine);
  line("listen", deployment.listen);
  line("plugin_path", YAML::Flow);
  out << deployment.plugin_path;
  map("embedded");
  line("file", deployment.embedded.file);
  out << YAML::EndMap;
  map("cluster");
  line("prefix", deployment.cluster.prefix);
  line("partitions", deployment.cluster.partitions);
  map("kafka");
  line("brokers", deployment.cluster.kafka_brokers);
  map("options");
  for (const auto& [name, value] : deployment.cluster.kafka_options) {
    const bool secret =
        name.find("password") != std::string::npos || name.find("secret") != std::string::npos;
    line(name.c_str(), secret ? std::string("***") : value);
  }
  out << YAML::EndMap << YAML::EndMap;
  map("postgres");
  line("url", WithoutPassword(deployment.cluster.postgres_url));
  out << YAML::EndMap;
  map("redis");
  line("url", WithoutPassword(deployment.cluster.redis_url));
  out << YAML::EndMap << YAML::EndMap;
  map("plugins");
  for (const auto& [plugin, settings] : deployment.plugins) {
    map(plugin.c_str());
    for (const auto& field : settings) {
      const std::string name(field.key());
      out << YAML::Key << name << YAML::Value;
      const bool set = !field.value().is_string() || !field.value().get_string().empty();
      Write(out, set && IsSecret(catalog, plugin, name) ? json::value("***") : field.value());
    }
    out << YAML::EndMap;
  }
  out << YAML::EndMap;
  map("limits");
  line("batch", deployment.limits.batch);
  line("outbox", deployment.limits.outbox_bytes);
  line("body", deployment.limits.body_bytes);
  out << YAML::EndMap;
  map("keep");
  line("done", FormatDuration(deployment.keep_done));
  line("undone", FormatDuration(deployment.keep_undone));
  out << YAML::EndMap << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace reprise::runtime
