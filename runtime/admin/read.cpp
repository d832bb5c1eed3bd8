#include "admin/read.h"

#include "admin/lanes.h"
#include "admin/letters.h"
#include "admin/pipelines.h"
#include "admin/query.h"
#include "admin/sagas.h"

namespace reprise::runtime {

Answer ReadPath(Journal& journal, const View& view, std::span<const std::string> path,
                const Query& query) {
  const std::string what = path.empty() ? "" : path[0];
  if (path.size() == 1 && what == "sagas") return ListSagasJson(journal, view, query);
  if (path.size() == 2 && what == "sagas") return ShowSagaJson(journal, view, path[1], query);
  if (path.size() == 1 && what == "dlq") return ListLettersJson(journal, view, query);

  const QueryReader none(query, {});
  if (none.problem()) return *none.problem();
  if (path.size() == 2 && what == "dlq") return ShowLetterJson(journal, view, path[1]);
  if (path.size() == 1 && what == "pipelines") return ListPipelinesJson(journal, view);
  if (path.size() == 2 && what == "pipelines") return ShowPipelineJson(journal, view, path[1]);
  if (path.size() == 1 && what == "plugins") return ListPluginsJson(view);
  if (path.size() == 1 && what == "lanes") return ListLanesJson(view);
  return Answer::Problem(
      404, "not_found", "nothing here: sagas, dlq, pipelines, plugins and lanes are under /api/v1");
}

}  // namespace reprise::runtime
