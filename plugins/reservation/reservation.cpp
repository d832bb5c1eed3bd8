// The plugin `reservation`: see tables.h for its rows, README.md for what a pipeline sees.
#include "expire.h"
#include "hold.h"
#include "pay.h"
#include "questions.h"
#include "tables.h"

namespace reprise::reservation {
REPRISE_PLUGIN(Reservation, Hold, Claim, Confirm, Expire, Available, Payable, ShowStatus);
}  // namespace reprise::reservation
