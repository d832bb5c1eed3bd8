/// Pushes: customers by SSE (user.h), people in charge by Notion (notion.h).
#include "notion.h"
#include "user.h"

namespace push {

REPRISE_PLUGIN(Push, User, Notion, Mine);

}  // namespace push
