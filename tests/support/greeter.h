// The example of daemon/rules/README.md: what follows the first lines is what the README shows.
#pragma once

// [example]
#include "daemon/rules/effects.h"
#include "daemon/rules/rule_set.h"

namespace greeter {

using namespace kiln::rules;

// What is asked: a name, == and the fields make it an engine value.
struct Person {
  static constexpr std::string_view kTypeName = "Person";
  std::string name;
  static void fields(auto& self, auto&& field) { field("name", self.name); }
  friend bool operator==(const Person&, const Person&) = default;
};
// What is answered.
struct Greeting {
  static constexpr std::string_view kTypeName = "Greeting";
  std::string text;
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const Greeting&, const Greeting&) = default;
};
// What the user may set: `kiln greet --option greeter.polite=true`.
struct GreeterOptions {
  static constexpr std::string_view kTypeName = "GreeterOptions";
  static constexpr std::string_view kScope = "greeter";
  bool polite = false;
  std::vector<std::string> people = {"Ada", "Grace"};
  static void fields(auto& self, auto&& field) {
    field("polite", self.polite);
    field("people", self.people);
  }
  friend bool operator==(const GreeterOptions&, const GreeterOptions&) = default;
};

// A rule: from a Person, and the options of whoever asks, to a Greeting.
Rule<Greeting> greet(const Person& person, const GreeterOptions& options) {
  if (person.name.empty()) {
    co_return kiln::user_error(kiln::ErrorCode::kInvalidArgument, "nobody is there to greet");
  }
  co_return Greeting{(options.polite ? "Good day, " : "Hi, ") + person.name};
}

// A goal: it may take side effects; its result is an exit code. All greetings at once, in order.
GoalRule<Gets<Greeting(Person)>> greet_all(Console& console, const GreeterOptions& options) {
  std::vector<Get<Greeting, Person>> asked;
  for (const std::string& name : options.people) asked.push_back(get<Greeting>(Person{name}));
  for (const Greeting& greeting : co_await all(std::move(asked))) {
    console.print(greeting.text + "\n");
  }
  co_return 0;
}

RuleSet rules() {
  RuleSet set;
  set.options<GreeterOptions>();
  set.add<&greet>();
  set.goal<&greet_all>("greet", "Greets everybody.");
  set.query<Greeting(Person)>();  // kiln rules query Greeting Person='{"name": "Ada"}'
  return set;
}

}  // namespace greeter
// [example]
