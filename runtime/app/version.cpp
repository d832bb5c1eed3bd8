#include "app/version.h"

namespace reprise::runtime {

std::string_view Commit() {
  return REPRISE_COMMIT;
}

}  // namespace reprise::runtime
