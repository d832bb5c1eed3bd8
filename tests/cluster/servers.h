/// The servers that the ctest fixture `servers` started, and what a test needs of its own on them.
///
/// A failed precondition throws, with what to do about it: GoogleTest shows it as the test's
/// failure.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include <libpq-fe.h>
#include <unistd.h>

namespace reprise::runtime {

struct Servers {
  std::string kafka;     // 127.0.0.1:PORT
  std::string postgres;  // postgresql://...
  std::string redis;     // redis://...

  /// Reads an env file of servers.py; a server that it does not name stays empty.
  static Servers Read(const std::string& file) {
    std::ifstream in(file);
    std::map<std::string, std::string> found;
    for (std::string line; std::getline(in, line);) {
      const auto equals = line.find('=');
      if (equals != std::string::npos) found[line.substr(0, equals)] = line.substr(equals + 1);
    }
    return {found["REPRISE_KAFKA"], found["REPRISE_POSTGRES"], found["REPRISE_REDIS"]};
  }

  /// Those of this build folder.  ctest starts them itself; by hand they are started first.
  static const Servers& Get() {
    static const Servers servers = [] {
      Servers read = Read(REPRISE_SERVERS_ENV);
      if (read.kafka.empty() || read.postgres.empty() || read.redis.empty()) {
        throw std::runtime_error(
            "no servers for this test: run it by ctest, or start them by hand:\n"
            "  " REPRISE_SERVERS " start " REPRISE_SERVERS_FOLDER " " REPRISE_SERVERS_ENV);
      }
      return read;
    }();
    return servers;
  }
};

/// A word that no other test, process or run has: for topics, keys and databases.
inline std::string FreshName(const std::string& what = "t") {
  static std::atomic<unsigned> count{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return what + std::to_string(now / std::chrono::microseconds(1)) + "p" +
         std::to_string(::getpid()) + "n" + std::to_string(count++);
}

/// An empty PostgreSQL database, dropped with whatever is connected to it when this goes.
class FreshDatabase {
 public:
  FreshDatabase() : server_(Servers::Get().postgres), name_(FreshName("test")) {
    Run("CREATE DATABASE " + name_);
  }
  ~FreshDatabase() {
    try {
      Run("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
    } catch (const std::exception&) {  // the server is gone, and the database with it
    }
  }
  FreshDatabase(const FreshDatabase&) = delete;
  FreshDatabase& operator=(const FreshDatabase&) = delete;

  const std::string& name() const { return name_; }
  std::string url() const { return server_.substr(0, server_.rfind('/') + 1) + name_; }

 private:
  void Run(const std::string& sql) const {
    const std::unique_ptr<PGconn, void (*)(PGconn*)> to(PQconnectdb(server_.c_str()), PQfinish);
    if (PQstatus(to.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(to.get()));
    const std::unique_ptr<PGresult, void (*)(PGresult*)> got(PQexec(to.get(), sql.c_str()),
                                                             PQclear);
    if (PQresultStatus(got.get()) != PGRES_COMMAND_OK) {
      throw std::runtime_error(PQerrorMessage(to.get()));
    }
  }

  std::string server_;
  std::string name_;
};

/// Servers of this test alone, for what others must not feel: killed, stopped, emptied.  They end
/// with it, also when the test is killed.
class OwnServers {
 public:
  /// `parts`: "redis", or "postgres,kafka".  Blocks until they answer.
  explicit OwnServers(const std::string& parts) {
    std::string folder = "/tmp/reprise-own-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = folder;
    Do("start", Quoted(folder_ + "/env") + " --guard --only " + parts);
    servers_ = Servers::Read(folder_ + "/env");
  }
  ~OwnServers() {
    std::system(Command("stop", "").c_str());  // NOLINT(cert-env33-c)
    std::remove((folder_ + "/env").c_str());
    ::rmdir(folder_.c_str());
  }
  OwnServers(const OwnServers&) = delete;
  OwnServers& operator=(const OwnServers&) = delete;

  const Servers& at() const { return servers_; }

  void Kill(const std::string& part) { Do("kill", part); }    // -9
  void Pause(const std::string& part) { Do("pause", part); }  // SIGSTOP
  void Resume(const std::string& part) { Do("resume", part); }
  /// Ends it if it runs; blocks until it answers again, at its old port, with its old data.
  void Restart(const std::string& part) { Do("restart", part); }
  void RestartEmpty(const std::string& part) { Do("restart", part + " --empty"); }

 private:
  static std::string Quoted(const std::string& text) { return "'" + text + "'"; }
  std::string Command(const std::string& verb, const std::string& rest) const {
    return "exec python3 " + Quoted(REPRISE_SERVERS) + " " + verb + " " + Quoted(folder_) + " " +
           rest;
  }
  void Do(const std::string& verb, const std::string& rest) const {
    if (std::system(Command(verb, rest).c_str()) != 0) {  // NOLINT(cert-env33-c)
      throw std::runtime_error("servers.py " + verb + " " + rest + " failed");
    }
  }

  std::string folder_;
  Servers servers_;
};

}  // namespace reprise::runtime
