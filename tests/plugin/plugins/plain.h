/* What every test plugin in C needs. */
#ifndef PLAIN_H_
#define PLAIN_H_

#include <stdlib.h>
#include <string.h>

#include <reprise/abi.h>

#define S(text) \
  { (text), sizeof(text) - 1 }
#define STR(text) ((reprise_str)S(text))
#define NONE \
  { NULL, 0 }

static inline int Is(reprise_str a, const char* b) {
  return a.size == strlen(b) && memcmp(a.data, b, a.size) == 0;
}

static inline void Finish(const reprise_call* call, int verdict, reprise_str code,
                          reprise_str memo) {
  reprise_outcome out;
  memset(&out, 0, sizeof(out));
  out.size = sizeof(out);
  out.verdict = verdict;
  out.code = code;
  out.memo = memo;
  call->host->finish(call->ctx, &out);
}
static inline void Done(const reprise_call* call) {
  Finish(call, REPRISE_DONE, (reprise_str)NONE, (reprise_str)NONE);
}

#endif
