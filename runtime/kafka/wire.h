/// Wire: a message as a Kafka record, a CloudEvent 1.0 in binary mode.
///
///   key          the message's key
///   value        the payload as JSON; none in an undo
///   headers      ce_specversion ce_id ce_type ce_source ce_time [ce_subject] [content-type]
///                [traceparent] ce_sagaid ce_sagastep ce_sagaphase (do, undo) ce_sagaattempt
///                (the operator's retries, from 1), and what only this runtime reads:
///   ce_sagaplan  the plan's hash;  ce_sagaindex  the step's number in it
///   ce_sagabit   a join's arrival, if not 0;  ce_sagaadded  JSON list of the fields that are not
///                the root payload's
///   ce_sagalast, ce_sagaclose, ce_sagaretry  `true`, or absent
#pragma once

#include <string>

#include "kafka/sealed.h"
#include "kafka/topics.h"
#include "model/saga.h"
#include "ports/journal.h"

namespace reprise::runtime::kafka {

/// Appends a message for its lane; one whose lane no step known here has is addressed to a topic
/// that does not exist, so that it comes back as refused and is not lost.
void AppendMessage(std::string& out, const Message& message, const Topics& topics);

/// Appends a record for a topic of others, its key in Kafka's own partition.  Of more than a
/// thousand headers the first are kept.
void AppendForeign(std::string& out, const Transaction::Foreign& record);

/// The message of a record of this place.  What cannot be read comes with `broken` (why) and `raw`.
Message ReadMessage(const RecordView& record, const Topics::Place& place, std::int64_t offset);

/// A record that outlives what it is a view of.
Record Kept(const RecordView& view);

/// The message of a record of others: an input, which only those who know its topic can read.
Message ForeignMessage(RecordRef record, LaneId lane);

/// A record that Kafka will never take, as a message: what can be read of it, `refused`, and why in
/// `broken`.
Message Refused(const RecordView& record, const Topics& topics, const std::string& reason);

}  // namespace reprise::runtime::kafka
