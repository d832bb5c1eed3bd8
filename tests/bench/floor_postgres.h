/// A PostgreSQL session for the floor: prepared statements in pipeline mode, arrays in binary.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <endian.h>
#include <libpq-fe.h>

namespace floor_of_cluster {

[[noreturn]] inline void Die(const char* what, const char* why) {
  std::fprintf(stderr, "floor: %s: %s\n", what, why);
  std::exit(1);
}

inline void Put32(std::string& out, std::uint32_t n) {
  n = htobe32(n);
  out.append(reinterpret_cast<const char*>(&n), sizeof n);
}
inline void Put64(std::string& out, std::int64_t n) {
  const std::uint64_t wire = htobe64(static_cast<std::uint64_t>(n));
  out.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}

/// A column of a set-based statement, as unnest takes it.
class Column {
 public:
  static Column Uuids() { return Column(2950); }
  static Column Numbers() { return Column(20); }
  static Column Texts() { return Column(25); }
  static Column Blobs() { return Column(17); }

  void Add(std::string_view bytes) {
    Put32(cells_, static_cast<std::uint32_t>(bytes.size()));
    cells_.append(bytes);
    ++rows_;
  }
  void Add(std::int64_t n) {
    Put32(cells_, 8);
    Put64(cells_, n);
    ++rows_;
  }
  std::uint32_t rows() const { return rows_; }
  std::string Bytes() const {
    std::string out;
    out.reserve(cells_.size() + 20);
    for (const std::uint32_t n : {1U, 0U, type_, rows_, 1U}) Put32(out, n);
    return out + cells_;
  }

 private:
  explicit Column(std::uint32_t type) : type_(type) {}
  std::uint32_t type_, rows_ = 0;
  std::string cells_;
};

inline std::string Binary(std::int64_t n) {
  std::string out;
  Put64(out, n);
  return out;
}

class Answer {
 public:
  explicit Answer(PGresult* result) : result_(result, PQclear) {}
  int rows() const { return PQntuples(result_.get()); }
  std::int64_t changed() const { return std::atoll(PQcmdTuples(result_.get())); }
  std::string_view Bytes(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
  }
  std::int64_t Number(int row, int column) const {
    std::uint64_t wire = 0;
    std::memcpy(&wire, PQgetvalue(result_.get(), row, column), sizeof wire);
    return static_cast<std::int64_t>(be64toh(wire));
  }

 private:
  std::unique_ptr<PGresult, void (*)(PGresult*)> result_;
};

class Session {  // Threads: one.  Any error ends the program.
 public:
  explicit Session(const std::string& url) : to_(PQconnectdb(url.c_str()), PQfinish) {
    if (PQstatus(to_.get()) != CONNECTION_OK) Die("connect", PQerrorMessage(to_.get()));
  }

  /// Any number of statements, outside the pipeline; the last one's single value.
  std::string Run(const std::string& sql) {
    const std::unique_ptr<PGresult, void (*)(PGresult*)> got(PQexec(to_.get(), sql.c_str()),
                                                             PQclear);
    const auto status = PQresultStatus(got.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      Die(sql.substr(0, 200).c_str(), PQerrorMessage(to_.get()));
    }
    return PQntuples(got.get()) > 0 ? PQgetvalue(got.get(), 0, 0) : "";
  }
  void Prepare(const char* name, const char* sql) {
    const std::unique_ptr<PGresult, void (*)(PGresult*)> got(
        PQprepare(to_.get(), name, sql, 0, nullptr), PQclear);
    if (PQresultStatus(got.get()) != PGRES_COMMAND_OK) Die(name, PQerrorMessage(to_.get()));
  }
  void Pipeline() {
    if (PQenterPipelineMode(to_.get()) != 1) Die("pipeline", PQerrorMessage(to_.get()));
  }

  void Send(const char* name, const std::vector<std::string>& args = {}) {
    std::vector<const char*> values;
    std::vector<int> sizes, formats(args.size(), 1);
    for (const std::string& arg : args) {
      values.push_back(arg.data());
      sizes.push_back(static_cast<int>(arg.size()));
    }
    if (PQsendQueryPrepared(to_.get(), name, static_cast<int>(args.size()), values.data(),
                            sizes.data(), formats.data(), 1) != 1) {
      Die(name, PQerrorMessage(to_.get()));
    }
    sent_.push_back(name);
  }
  /// The answers to everything sent, in order.
  std::vector<Answer> Receive() {
    if (PQpipelineSync(to_.get()) != 1) Die("sync", PQerrorMessage(to_.get()));
    std::vector<Answer> answers;
    for (const char* name : sent_) {
      PGresult* got = PQgetResult(to_.get());
      const auto status = PQresultStatus(got);
      if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        Die(name, PQerrorMessage(to_.get()));
      }
      answers.emplace_back(got);
      PQgetResult(to_.get());  // the null after each
    }
    sent_.clear();
    PQclear(PQgetResult(to_.get()));  // of the sync
    return answers;
  }

 private:
  std::unique_ptr<PGconn, void (*)(PGconn*)> to_;
  std::vector<const char*> sent_;
};

}  // namespace floor_of_cluster
