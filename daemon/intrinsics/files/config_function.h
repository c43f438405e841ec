// What the kiln.toml of a workspace sets, as a node: read again when the file changes, comes or
// goes. .gitignore does not hide it.
#pragma once

#include <vector>

#include "daemon/graph/function.h"
#include "daemon/intrinsics/files/config_file.h"
#include "daemon/intrinsics/files/fs_functions.h"

namespace kiln::intrinsics {

// No settings: also if there is no file.
struct ConfigSettings {
  std::vector<rules::OptionSetting> settings;
  friend bool operator==(const ConfigSettings&, const ConfigSettings&) = default;
};
size_t footprint(const ConfigSettings& config);

class ConfigFunction final : public graph::Function {
 public:
  explicit ConfigFunction(const FsFunctions& fs) : fs_(fs) {}

  graph::Key key(const Workspace& workspace) const;

  std::string_view name() const override;
  std::string describe(const graph::Value& input) const override;
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& input) const override;

 private:
  const FsFunctions& fs_;
};

}  // namespace kiln::intrinsics
