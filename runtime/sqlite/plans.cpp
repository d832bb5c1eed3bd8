#include "sqlite/plans.h"

namespace reprise::runtime::sqlite {

Status Plans::Load() {
  names_.clear();
  numbers_.clear();
  last_ = 0;
  added_ = false;
  Cursor row = db_.Use("SELECT id, pipeline, hash FROM rp_plan");
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw()) {
    const Name name{row.String(1), row.String(2)};
    numbers_[{name.pipeline, name.hash}] = row.Int(0);
    names_[row.Int(0)] = name;
  }
  if (rc != SQLITE_DONE) return row.Failure();
  return {};
}

Result<std::int64_t> Plans::NumberOf(const std::string& pipeline, const std::string& hash) {
  if (last_ != 0) {
    const Name& name = names_[last_];
    if (name.hash == hash && name.pipeline == pipeline) return last_;
  }
  auto it = numbers_.find(std::pair(pipeline, hash));
  if (it == numbers_.end()) {
    if (auto put = Put(pipeline, hash, ""); !put) return put.error();
    it = numbers_.find(std::pair(pipeline, hash));
  }
  return last_ = it->second;
}

Status Plans::Put(const std::string& pipeline, const std::string& hash, const std::string& text) {
  Cursor row = db_.Use(
      "INSERT INTO rp_plan(pipeline, hash, text) VALUES(?1, ?2, ?3)"
      " ON CONFLICT(pipeline, hash) DO UPDATE SET text = excluded.text RETURNING id");
  row.Bind(pipeline, hash, text);
  const auto made = row.Next();
  if (!made) return made.error();
  const std::int64_t number = row.Int(0);
  if (auto done = row.Run(); !done) return done;
  added_ = added_ || !names_.contains(number);
  names_[number] = {pipeline, hash};
  numbers_[{pipeline, hash}] = number;
  return {};
}

const Plans::Name& Plans::NameOf(std::int64_t number) const {
  static const Name kUnknown;
  const auto it = names_.find(number);
  return it == names_.end() ? kUnknown : it->second;
}

std::vector<std::int64_t> Plans::OfPipeline(std::string_view pipeline) const {
  std::vector<std::int64_t> out;
  for (const auto& [number, name] : names_) {
    if (pipeline.empty() || name.pipeline == pipeline) out.push_back(number);
  }
  return out;
}

void Plans::Move(std::int64_t plan, SagaState state, std::int64_t delta) {
  Deltas& deltas = deltas_[plan];
  deltas.of.at(static_cast<size_t>(state)) += delta;
  deltas.any = true;
}

Status Plans::FlushCounts() {
  for (auto& [plan, deltas] : deltas_) {
    if (!deltas.any) continue;
    for (size_t state = 0; state < kStates; ++state) {
      if (deltas.of[state] == 0) continue;
      Cursor row = db_.Use(
          "INSERT INTO rp_count VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET sagas = sagas + "
          "excluded.sagas");
      row.Bind(plan, static_cast<int>(state), deltas.of[state]);
      if (auto done = row.Run(); !done) return done;
    }
    deltas = {};
  }
  return {};
}

void Plans::ForgetCounts() {
  for (auto& [plan, deltas] : deltas_) deltas = {};
}

Result<std::int64_t> Plans::Count(std::int64_t plan, SagaState state) {
  Cursor row = db_.Use("SELECT sagas FROM rp_count WHERE plan = ?1 AND state = ?2");
  row.Bind(plan, static_cast<int>(state));
  const auto found = row.Next();
  if (!found) return found.error();
  return *found ? row.Int(0) : 0;
}

}  // namespace reprise::runtime::sqlite
