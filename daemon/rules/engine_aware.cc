#include "daemon/rules/engine_aware.h"

#include "daemon/rules/rule_graph.h"

namespace kiln::rules {

std::optional<trace::Annotation> annotate(const graph::Key& key, const graph::Value* value) {
  const auto* entry = dynamic_cast<const Entry*>(key.function);
  if (entry == nullptr) return std::nullopt;
  const TypeId product = entry->rule.info.product;
  trace::Annotation annotation{.level = product->level};
  if (value != nullptr && product->annotate != nullptr) product->annotate(*value, annotation);
  return annotation;
}

}  // namespace kiln::rules
