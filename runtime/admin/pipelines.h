/// Pipelines and plugins as operators see them.
#pragma once

#include <string_view>

#include "admin/answer.h"
#include "admin/view.h"
#include "ports/journal.h"

namespace reprise::runtime {

/// {now, pipelines: [{name, about, hash, sagas: {running: 3, ..}, ..}], plans: [..]}.
Answer ListPipelinesJson(Journal& journal, const View& view);

/// One pipeline with its routes and steps; settings that a plugin calls secret are masked.
Answer ShowPipelineJson(Journal& journal, const View& view, std::string_view name);

/// {now, plugins: [{name, version, actions, questions, settings: [{name, set, value?, ..}]}]}.
Answer ListPluginsJson(const View& view);

/// The loaded pipeline of this name, or null.
PipelineRef FindPipeline(const View& view, std::string_view name);

}  // namespace reprise::runtime
