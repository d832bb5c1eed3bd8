/// The host table: what abi.h offers a plugin, over Call and Asked.
///
/// host_read.cpp     text, number, field, saga, count
/// host_sql.cpp      query, query_rows
/// host_effects.cpp  emit, after, cancel_after, send, respond, hint, log, metric
/// host_end.cpp      finish, found, answer
#pragma once

#include <cstddef>
#include <cstdint>

#include <reprise/abi.h>

namespace reprise::runtime {

extern const reprise_host kHost;

namespace host {

reprise_str Text(reprise_ctx* ctx, std::int32_t what);
std::int64_t Number(const reprise_ctx* ctx, std::int32_t what);
reprise_status Field(reprise_ctx* ctx, std::int32_t of, reprise_str name, reprise_value* out);
reprise_status Saga(reprise_ctx* ctx, reprise_str id, reprise_saga_view* out);
reprise_status Count(reprise_ctx* ctx, reprise_str counter, std::int64_t delta, std::int64_t floor,
                     std::int64_t* out);

reprise_status Query(reprise_ctx* ctx, reprise_str sql, const reprise_value* args,
                     std::size_t n_args, reprise_row_fn on_row, void* user, std::int64_t* affected);
reprise_status QueryRows(reprise_ctx* ctx, reprise_str sql, const reprise_str* columns,
                         std::size_t n_columns, const reprise_value* cells, std::size_t n_rows,
                         reprise_row_fn on_row, void* user, std::int64_t* affected);

reprise_status Emit(reprise_ctx* ctx, reprise_str event, const reprise_field* added, std::size_t n);
reprise_status After(reprise_ctx* ctx, std::int64_t delay_ms, reprise_str event,
                     const reprise_field* added, std::size_t n);
reprise_status CancelAfter(reprise_ctx* ctx, reprise_str event);
reprise_status Send(reprise_ctx* ctx, reprise_str topic, reprise_str key, reprise_str bytes);
reprise_status Respond(reprise_ctx* ctx, std::int32_t http, const reprise_field* body,
                       std::size_t n);
reprise_status Hint(reprise_ctx* ctx, reprise_str channel);
void WriteLog(reprise_ctx* ctx, std::int32_t level, reprise_str text);
void Metric(reprise_ctx* ctx, reprise_str name, std::int64_t delta);

void Finish(reprise_ctx* ctx, const reprise_outcome* outcome);
void Found(reprise_ctx* ctx, std::int32_t what, reprise_str memo);
void Answer(reprise_ctx* ctx, const reprise_answer* answer);

}  // namespace host
}  // namespace reprise::runtime
