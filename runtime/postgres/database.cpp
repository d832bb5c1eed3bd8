#include "postgres/database.h"

#include <cerrno>
#include <chrono>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "postgres/sqlstate.h"

namespace reprise::runtime::postgres {
namespace {

std::string_view Trimmed(const char* text) {
  std::string_view out = text == nullptr ? "" : text;
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.remove_suffix(1);
  return out;
}

std::string_view Field(const PGresult* result, int field) {
  return Trimmed(PQresultErrorField(result, field));
}

constexpr std::chrono::seconds kSilence{3};  // longer than anybody waits for a lock
constexpr int kLookAround = 500;             // ms

/// The server has its own limits; this one is for a server that says nothing at all.
Millis Patience(const Options& options) {
  return options.statement_wait * 2 + options.lock_wait;
}

}  // namespace

void Database::Close() {
  if (connection_ != nullptr) PQfinish(connection_);
  connection_ = nullptr;
  prepared_.clear();
}

std::optional<std::string> Database::Trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void Database::Troubled(std::optional<std::string> why) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(why);
}

void Database::Cut() {
  if (connection_ != nullptr) ::shutdown(PQsocket(connection_), SHUT_RDWR);
  Close();
}

std::string Database::Where() const {
  if (connection_ == nullptr) return "not connected";
  const char* host = PQhost(connection_);
  return fmt::format("{}:{}/{}", host == nullptr ? "" : host, PQport(connection_),
                     PQdb(connection_));
}

Error Database::Broken() {
  refusal_ = {"", std::string(Trimmed(connection_ == nullptr ? "" : PQerrorMessage(connection_))),
              0};
  if (refusal_.message.empty()) refusal_.message = "the connection is gone";
  Close();
  return {Code::kUnavailable, "PostgreSQL: " + refusal_.message};
}

Error Database::ErrorOf(PGresult* result) {
  refusal_ = {std::string(Field(result, PG_DIAG_SQLSTATE)),
              std::string(Field(result, PG_DIAG_MESSAGE_PRIMARY)), 0};
  const std::string_view position = Field(result, PG_DIAG_STATEMENT_POSITION);
  std::from_chars(position.data(), position.data() + position.size(), refusal_.position);
  if (refusal_.sqlstate.empty() || PQstatus(connection_) == CONNECTION_BAD) return Broken();
  Error error{CodeOf(refusal_.sqlstate),
              fmt::format("PostgreSQL: {} (SQLSTATE {})", refusal_.message, refusal_.sqlstate)};
  if (EndsSession(refusal_.sqlstate)) Close();
  return error;
}

Result<PGresult*> Database::Next() {
  const auto began = std::chrono::steady_clock::now();
  bool silent = false;
  while (PQisBusy(connection_) != 0) {
    pollfd wanted{PQsocket(connection_), POLLIN, 0};
    const auto waited = std::chrono::steady_clock::now() - began;
    if (waited >= kSilence) {
      silent = true;
      Troubled("no answer for " + std::to_string(waited / std::chrono::seconds(1)) + " s");
      const bool given_up = options_.waiting && options_.waiting();
      if (given_up || waited >= Patience(options_)) {
        Close();
        refusal_ = {"", "no answer", 0};
        return Error{Code::kUnavailable, "PostgreSQL: no answer within the time it had"};
      }
    }
    const int ready = ::poll(&wanted, 1, kLookAround);
    if (ready < 0 && errno == EINTR) continue;
    if (ready > 0 && PQconsumeInput(connection_) == 0) return Broken();
  }
  if (silent) Troubled(std::nullopt);
  return PQgetResult(connection_);
}

Result<Answer> Database::Last() {
  ++stats_.round_trips;
  Answer last;
  std::optional<Error> failed;
  for (;;) {
    const auto next = Next();
    if (!next) return next.error();
    if (*next == nullptr) break;
    Answer answer(*next);
    const ExecStatusType status = PQresultStatus(*next);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) {
      last = std::move(answer);
      continue;
    }
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
      Close();  // such a session cannot be gone on with
      return Error{Code::kInvalid, "PostgreSQL: COPY is not possible here"};
    }
    if (!failed) failed = ErrorOf(*next);
    if (connection_ == nullptr) return *failed;
  }
  if (failed) return *failed;
  if (last.raw() == nullptr) return Broken();
  return last;
}

std::string Database::NameOf(const char* sql) const {
  return fmt::format("rp_{}", static_cast<const void*>(sql));
}

Result<Answer> Database::Run(const char* sql, Params params, Plan plan) {
  if (plan == kOnce) return Once(sql, std::move(params));
  if (auto fine = Connect(); !fine) return fine.error();
  const std::string name = NameOf(sql);
  if (!prepared_[sql]) {
    if (auto done = Prepare(name, sql, params.type_list()); !done) return done.error();
    prepared_[sql] = true;
  }
  return RunPrepared(name, params);
}

Result<Answer> Database::Once(const std::string& sql, Params params) {
  if (auto fine = Connect(); !fine) return fine.error();
  if (PQsendQueryParams(connection_, sql.c_str(), params.count(), params.types(), params.values(),
                        params.lengths(), params.formats(), 1) == 0) {
    return Broken();
  }
  return Last();
}

Status Database::Prepare(const std::string& name, const std::string& sql,
                         std::span<const Oid> types) {
  if (auto fine = Connect(); !fine) return fine;
  if (PQsendPrepare(connection_, name.c_str(), sql.c_str(), static_cast<int>(types.size()),
                    types.data()) == 0) {
    return Broken();
  }
  auto done = Last();
  if (!done) return done.error();
  return {};
}

Result<Answer> Database::RunPrepared(const std::string& name, Params& params) {
  if (auto fine = Connect(); !fine) return fine.error();
  if (PQsendQueryPrepared(connection_, name.c_str(), params.count(), params.values(),
                          params.lengths(), params.formats(), 1) == 0) {
    return Broken();
  }
  return Last();
}

Status Database::Execute(const std::string& sql) {
  if (auto fine = Connect(); !fine) return fine;
  if (PQsendQuery(connection_, sql.c_str()) == 0) return Broken();
  auto done = Last();
  if (!done) return done.error();
  return {};
}

Result<Answer> Database::Write(const char* sql, Params params, Plan plan) {
  Pipeline pipeline(*this);
  pipeline.Add("BEGIN READ WRITE");
  pipeline.Add(sql, std::move(params), plan);
  pipeline.Add("COMMIT");
  auto done = pipeline.Run();
  if (!done) {
    if (state() == PQTRANS_INERROR) (void)Execute("ROLLBACK");
    return done.error();
  }
  return std::move((*done)[1]);
}

// ---------------------------------------------------------------- several at once

void Database::Pipeline::Add(const char* sql, Params params, Plan plan) {
  steps_.push_back({sql, std::move(params), plan, false, {}});
}

bool Database::Pipeline::Send(Step& step) {
  PGconn* c = db_.connection_;
  if (step.plan == kOnce) {
    return PQsendQueryParams(c, step.sql, step.params.count(), step.params.types(),
                             step.params.values(), step.params.lengths(), step.params.formats(),
                             1) != 0;
  }
  step.name = db_.NameOf(step.sql);
  bool& known = db_.prepared_[step.sql];
  step.preparing = !known;
  if (step.preparing &&
      PQsendPrepare(c, step.name.c_str(), step.sql, step.params.count(), step.params.types()) == 0)
    return false;
  known = true;  // taken back if it fails
  return PQsendQueryPrepared(c, step.name.c_str(), step.params.count(), step.params.values(),
                             step.params.lengths(), step.params.formats(), 1) != 0;
}

/// Takes a step's results, up to the null between two statements.
std::optional<Error> Database::Pipeline::Collect(Step& step, std::vector<Answer>& out) {
  std::optional<Error> failed;
  for (int part = step.preparing ? 0 : 1; part < 2; ++part) {
    for (;;) {
      const auto next = db_.Next();
      if (!next) return next.error();
      if (*next == nullptr) break;
      Answer answer(*next);
      const ExecStatusType status = PQresultStatus(*next);
      if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        if (part == 1) out.push_back(std::move(answer));
        continue;
      }
      if (part == 0) db_.prepared_.erase(step.sql);
      if (status == PGRES_PIPELINE_ABORTED) continue;
      if (!failed) failed = db_.ErrorOf(*next);
      if (!db_.connected()) return failed;
    }
  }
  return failed;
}

Result<std::vector<Answer>> Database::Pipeline::Run() {
  if (auto fine = db_.Connect(); !fine) return fine.error();
  ++db_.stats_.round_trips;
  if (PQenterPipelineMode(db_.connection_) == 0) return db_.Broken();
  bool sent = true;
  for (Step& step : steps_) sent = sent && Send(step);
  in_doubt_ = sent;
  sent = sent && PQpipelineSync(db_.connection_) != 0;
  if (!sent) return db_.Broken();
  const bool commits = std::string_view(steps_.back().sql) == "COMMIT";
  if (commits) FAILPOINT("answer.before");
  std::vector<Answer> out;
  std::optional<Error> error;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    auto failed = Collect(steps_[i], out);
    if (failed && !error) {
      error = failed;
      failed_ = i;
    }
    if (!db_.connected()) {  // an error the server told ends what followed it
      in_doubt_ = failed_ == i && (db_.refusal_.sqlstate.empty() || i + 1 == steps_.size());
      return *error;
    }
  }
  if (commits) FAILPOINT("answer.after");
  in_doubt_ = false;
  const auto sync = db_.Next();
  if (!sync) {
    if (error) return *error;
    return out;  // all was answered
  }
  const Answer synced(*sync);
  if (PQexitPipelineMode(db_.connection_) == 0) {
    Error broken = db_.Broken();
    if (!error && out.size() != steps_.size()) error = broken;
  }
  if (error) return *error;
  return out;
}

}  // namespace reprise::runtime::postgres
