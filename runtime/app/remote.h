/// The runtime that an operator's command looks at: one that answers over HTTP, or the file of a
/// stopped one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "admin/answer.h"
#include "app/cli.h"
#include "app/http_client.h"

namespace reprise::runtime {

class Remote {  // Threads: one.
 public:
  virtual ~Remote() = default;

  /// `path` is what follows /api/v1.  An answer of status 0 is code `unreachable`.
  virtual Answer Get(const std::vector<std::string>& path, const Query& query) = 0;
  virtual Answer Post(const std::vector<std::string>& path, const json::object& body) = 0;

  /// What it is called in texts and in next commands: "" for the default server, " --file x.db".
  virtual std::string flags() const = 0;
};

/// As the options say.  Null: `failed` says why, and is to be answered by ExitOf.
std::unique_ptr<Remote> OpenRemote(const Options& options, Answer& failed);

/// The file of a stopped runtime, read only.
std::unique_ptr<Remote> OpenStopped(const std::string& file, const Options& options,
                                    Answer& failed);

/// The runtime at an address.
std::unique_ptr<Remote> OpenServer(const std::string& server);

/// A response of /api/v1 as an Answer.
Answer ReadAnswer(const HttpAnswer& http);
Answer Unreachable(const std::string& server, const std::string& reason);

/// Prints what went wrong, with its remedy, to stderr, and answers the exit code.
int ExitOf(const Answer& answer);

}  // namespace reprise::runtime
