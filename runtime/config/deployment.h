/// The deployment file (`runtime: NAME`): engine, addresses, limits, plugin-wide settings.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/finding.h"
#include "config/interpolate.h"
#include "model/catalog.h"
#include "model/payload.h"

namespace reprise::runtime {

struct Deployment {
  std::string name = "reprise";
  std::string file;  // empty: there is none, all is default
  std::string engine = "embedded";
  std::string listen = "127.0.0.1:8080";
  std::vector<std::string> plugin_path;
  struct Embedded {
    std::string file = "reprise.db";
  } embedded;
  struct Cluster {
    std::string prefix = "reprise";
    int partitions = 24;
    std::string kafka_brokers = "localhost:9092";
    std::map<std::string, std::string> kafka_options;
    std::string postgres_url, redis_url;
  } cluster;
  std::map<std::string, json::object>
      plugins;  // settings of every plugin of the catalog, canonical
  struct Limits {
    int batch = 500;
    std::int64_t outbox_bytes = std::int64_t{64} << 20;
    std::int64_t body_bytes = std::int64_t{1} << 20;
  } limits;
  Millis keep_done{7LL * 86'400'000};
  Millis keep_undone{90LL * 86'400'000};
};

/// What the command line sets: before the environment, the file and the defaults.
struct Overrides {
  std::optional<std::string> engine, listen, file, postgres, prefix;
};

/// Reads a runtime file's tree, already interpolated.  `catalog` null: plugins' settings are left
/// out.
Deployment ReadDeployment(const Node& root, const PluginCatalog* catalog, Sink& sink);

/// Applies REPRISE_ENGINE, REPRISE_LISTEN, REPRISE_FILE, REPRISE_KAFKA, REPRISE_POSTGRES,
/// REPRISE_REDIS, then the flags.  What is wrong with a value is the answer, one line each.
std::vector<std::string> ApplyOverrides(Deployment& deployment, const Environment& environment,
                                        const Overrides& overrides);

/// Gives plugins that the file does not name their defaults; of those in `used`, reports what has
/// none.
void FillPlugins(Deployment& deployment, const PluginCatalog& catalog,
                 const std::set<std::string>& used, const Node& root, Sink& sink);

/// "postgres://ann:pw@host/db" with the password masked; also "host=x password=pw".
std::string MaskedAddress(std::string address);
/// Whether an option of this name holds what nobody may see: a password, a key.
bool SoundsSecret(std::string name);

/// The deployment as YAML, as it is in effect; secret settings and passwords in addresses are
/// masked.
std::string Print(const Deployment& deployment, const PluginCatalog& catalog);

}  // namespace reprise::runtime
