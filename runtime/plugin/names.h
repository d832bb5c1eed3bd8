/// Which names plugins may use: what YAML, metrics, SQL and file names can all carry.
#pragma once

#include <string_view>

namespace reprise::runtime {

/// ^[a-z0-9-]{1,64}$: a plugin.
bool IsPluginName(std::string_view name);

/// ^[a-z][a-z0-9_-]{0,63}$: an action, a question, an event, a counter.
bool IsWord(std::string_view name);

/// ^[a-z][a-z0-9_.-]{0,63}$: an error code.
bool IsCode(std::string_view name);

/// ^[A-Za-z_][A-Za-z0-9_]{0,63}$: a field of a payload or a setting.
bool IsFieldName(std::string_view name);

/// ^[A-Za-z0-9._-]{1,249}$, not "." or "..": a topic, and the file that stands for it.
bool IsTopicName(std::string_view name);

}  // namespace reprise::runtime
