// Observer: is told of the functions that a graph runs, and of requests answered without a run.
//
// What:    a run of a function is a span. Its parent is the span of the function that asked for it
//          first, or the one that a request from outside named. While a node only re-checks its
//          dependencies it is no span: what runs for it has its asker's span as the parent. So the
//          time of a span lies within that of its parent, unless the parent left it to others.
// Threads: thread-safe; called on whatever thread the graph works, with no lock held. It must not
//          block, and what it is given lives until it returns.
#pragma once

#include <string_view>

#include "common/base/error.h"
#include "common/types/ids.h"
#include "daemon/graph/graph.h"

namespace kiln::graph {

struct FunctionStart {
  SpanId parent;
  RunId run;  // whose request, through any number of gets, made it start
  const Key& key;
  RunReason reason;
  const Key* changed;  // of kInputChanged: the dependency; else null
};

enum class Ending : uint8_t {
  kChanged,    // a value that the node did not have before
  kUnchanged,  // the value of last time: what depends on it need not run
  kFailed,
  kCancelled,
};

struct FunctionEnd {
  SpanId span;
  RunId run;
  const Key& key;
  Ending ending;
  const Value* value;  // null unless kChanged or kUnchanged
  Validity validity;   // of the value
  const Error* error;  // null unless kFailed or kCancelled; of the latter it may be null too
};

// Why a request from outside needed no run of its own.
enum class Recall : uint8_t {
  kClean,    // nothing that it read has been invalidated since
  kCleaned,  // something was, but everything that it read is what it was
  kJoined,   // another request was having it computed
};
std::string_view recall_name(Recall recall);

// A request from outside that made no function of its own node run.
struct Remembered {
  SpanId parent;
  RunId run;
  const Key& key;
  Recall recall;
  const Value* value;  // null if there is an error
  const Error* error;
};

class Observer {
 public:
  virtual ~Observer() = default;
  // The span of what starts now, unique among those of this observer. 0: nobody cares; its end is
  // not told, and what it asks for has the same parent.
  virtual SpanId function_started(const FunctionStart& start) = 0;
  virtual void function_ended(const FunctionEnd& end) = 0;
  // Before whoever asked has the answer; as are all ends of what ran for it.
  virtual void answered(const Remembered& answer) = 0;
};

}  // namespace kiln::graph
