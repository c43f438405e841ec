// What help says of options that only the daemon knows.
#include "client/option_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kiln {
namespace {

v1::OptionsResponse::Option& add(v1::OptionsResponse::Scope& scope, const std::string& name,
                                 const std::string& kind, const std::string& initial) {
  v1::OptionsResponse::Option& option = *scope.add_options();
  option.set_name(name);
  option.set_kind(kind);
  option.set_default_value(initial);
  option.set_value(initial);
  return option;
}

TEST(OptionText, SaysWhatIsTypedForEachKind) {
  v1::OptionsResponse::Scope scope;
  scope.set_name("tone");
  add(scope, "loud", "true or false", "false");
  add(scope, "tone", "kind|stern", "\"stern\"");
  add(scope, "times", "integer", "3");
  add(scope, "words", "list", "[]");
  add(scope, "limit", "optional", "null");
  EXPECT_EQ(option_text(scope),
            "  tone.loud=true|false\n      default: false\n"
            "  tone.tone=kind|stern\n      default: \"stern\"\n"
            "  tone.times=INTEGER\n      default: 3\n"
            "  tone.words=ELEMENT\n      default: []\n"
            "  tone.limit=VALUE\n      default: null\n");
}

TEST(OptionText, SaysWhereAnOptionWasSet) {
  v1::OptionsResponse options;
  v1::OptionsResponse::Scope& scope = *options.add_scopes();
  scope.set_name("tone");
  scope.set_summary("How it sounds.");
  v1::OptionsResponse::Option& option = add(scope, "times", "integer", "3");
  option.set_help("how often");
  option.set_value("5");
  option.add_origins("kiln.toml:2:1");
  EXPECT_EQ(option_text(scope),
            "  tone.times=INTEGER\n      how often\n      default: 3\n"
            "      now:     5, from kiln.toml:2:1\n");
  EXPECT_EQ(scopes_json(options).dump(),
            R"([{"scope":"tone","summary":"How it sounds.","options":[{"name":"times",)"
            R"("help":"how often","kind":"integer","default":3,"value":5,)"
            R"("origins":["kiln.toml:2:1"]}]}])");
}

}  // namespace
}  // namespace kiln
