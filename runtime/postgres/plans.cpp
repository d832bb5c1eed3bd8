#include "postgres/plans.h"

namespace reprise::runtime::postgres {

void Plans::Know(std::int64_t number, Name name) {
  numbers_[{name.pipeline, name.hash}] = number;
  names_[number] = std::move(name);
}

Status Plans::Load() {
  auto rows = db_.Run("SELECT id, pipeline, hash FROM rp_plan");
  if (!rows) return rows.error();
  for (int i = 0; i < rows->rows(); ++i)
    Know(rows->Int(i, 0), {rows->String(i, 1), rows->String(i, 2)});
  return {};
}

Result<std::int64_t> Plans::NumberOf(const std::string& pipeline, const std::string& hash) {
  if (last_ != 0) {
    const Name& name = names_[last_];
    if (name.hash == hash && name.pipeline == pipeline) return last_;
  }
  const auto it = numbers_.find(std::pair(pipeline, hash));
  if (it != numbers_.end()) return last_ = it->second;
  auto made = db_.Run(
      "INSERT INTO rp_plan(pipeline, hash, text) VALUES($1, $2, '')"
      " ON CONFLICT(pipeline, hash) DO UPDATE SET hash = excluded.hash RETURNING id",
      Params::Of(pipeline, hash));
  if (!made) return made.error();
  made_.push_back(made->Int(0, 0));
  Know(made_.back(), {pipeline, hash});
  return last_ = made_.back();
}

Status Plans::Put(const std::string& pipeline, const std::string& hash, const std::string& text) {
  auto put = db_.Write(
      "INSERT INTO rp_plan(pipeline, hash, text) VALUES($1, $2, $3)"
      " ON CONFLICT(pipeline, hash) DO UPDATE SET text = excluded.text RETURNING id",
      Params::Of(pipeline, hash, text));
  if (!put) return put.error();
  Know(put->Int(0, 0), {pipeline, hash});
  return {};
}

const Plans::Name& Plans::NameOf(std::int64_t number) {
  static const Name kUnknown;
  if (!names_.contains(number)) (void)Load();
  const auto it = names_.find(number);
  return it == names_.end() ? kUnknown : it->second;
}

std::vector<std::int64_t> Plans::OfPipeline(std::string_view pipeline) {
  (void)Load();  // others make plans too
  std::vector<std::int64_t> out;
  for (const auto& [number, name] : names_) {
    if (pipeline.empty() || name.pipeline == pipeline) out.push_back(number);
  }
  return out;
}

void Plans::AddCounts(Database::Pipeline& pipeline) {
  Column plans(kInt8), states(kInt8), sagas(kInt8);
  for (const auto& [key, delta] : deltas_) {
    if (delta == 0) continue;
    plans.Add(key.first);
    states.Add(static_cast<std::int64_t>(key.second));
    sagas.Add(delta);
  }
  if (plans.size() == 0) return;
  pipeline.Add(
      "INSERT INTO rp_count SELECT u.plan, u.state, $4, u.sagas"
      " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) u(plan, state, sagas)"
      " ON CONFLICT (plan, state, worker) DO UPDATE SET sagas = rp_count.sagas + excluded.sagas",
      Params::Of(std::move(plans), std::move(states), std::move(sagas), worker_.id()));
}

void Plans::Keep() {
  deltas_.clear();
  made_.clear();
}

void Plans::Forget() {
  deltas_.clear();
  for (const std::int64_t number : made_) {
    const auto it = names_.find(number);
    if (it == names_.end()) continue;
    numbers_.erase({it->second.pipeline, it->second.hash});
    names_.erase(it);
  }
  if (!made_.empty()) last_ = 0;
  made_.clear();
}

}  // namespace reprise::runtime::postgres
