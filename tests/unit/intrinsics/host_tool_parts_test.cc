// What a tool is made of: whatever decides what it does is a component, and an upgrade of any of
// them is another tool.
#include <sys/stat.h>

#include <filesystem>
#include <functional>

#include "common/types/hash.h"
#include "tests/support/engine_fixture.h"
#include "tests/unit/intrinsics/tool_of.h"

namespace kiln::intrinsics {
namespace {

namespace fs = std::filesystem;
using Kind = exec::ToolComponent::Kind;
using testing::Contains;
using testing::IsSupersetOf;
using testing::Not;

class ToolPartsTest : public test::EngineFixture {
 protected:
  ToolPartsTest()
      : files_of_tools_(fs_counters_),
        tools_(files_.functions(), workspaces_.host(), files_of_tools_, home_, blocking_),
        tool_of_(tools_) {}
  // The graph holds keys of functions that live here.
  ~ToolPartsTest() override {
    router_.detach();
    watcher_->synchronize();
    graph_.reset();
  }

  void program(std::string_view path, std::string_view content) {
    write(path, content);
    ::chmod(disk_.path(path).c_str(), 0755);
  }
  void script(std::string_view path, std::string_view interpreter, std::string_view rest = "") {
    program(path, "#!" + disk_.path(interpreter) + "\n" + std::string(rest));
  }
  void copy(const std::string& from, std::string_view to) {
    disk_.make_directory(fs::path(to).parent_path().string());
    fs::copy_file(from, disk_.path(to), fs::copy_options::overwrite_existing);
  }
  void append(std::string_view path, std::string_view text) {
    std::ofstream(disk_.path(path), std::ios::binary | std::ios::app) << text;
  }

  exec::Process process(std::string_view command) {
    exec::Process process;
    process.argv = {disk_.path(command)};
    process.env = {{"PATH", disk_.path("bin")}, {"HOME", disk_.path("home")}};
    process.inputs = store::Tree::empty();
    return process;
  }
  exec::HostTool tool(const exec::Process& process) {
    watcher_->synchronize();
    const auto answer =
        sync_wait(home_, graph_->request(tool_of_.key(process), RunId{++last_run_}, {}));
    EXPECT_TRUE(answer.ok()) << answer.error().to_string();
    if (!answer.ok()) return {};
    const auto& found = graph::value_as<ToolOf::Found>(answer->value).tool;
    EXPECT_TRUE(found.ok()) << found.error().to_string();
    return found.ok() ? *found : exec::HostTool();
  }
  // "kind path" of each component, paths below the test's directory without it.
  std::vector<std::string> parts(const exec::Process& process) {
    std::vector<std::string> lines;
    for (const exec::ToolComponent& component : tool(process).components) {
      std::string path = component.path;
      if (path.starts_with(disk_.path() + "/")) path.erase(0, disk_.path().size() + 1);
      lines.push_back(std::string(exec::kind_name(component.kind)) + " " + path);
    }
    return lines;
  }
  std::vector<std::string> parts(std::string_view command) { return parts(process(command)); }
  // Whether `edit` makes another tool of it, and that one is found without being asked twice.
  template <class Edit>
  bool differs(const exec::Process& process, Edit edit) {
    const auto before = tool(process).digest();
    edit();
    return tool(process).digest() != before;
  }
  template <class Edit>
  bool differs(std::string_view command, Edit edit) {
    return differs(process(command), edit);
  }

  HostTools files_of_tools_;
  const HostToolFunction tools_;
  const ToolOf tool_of_;

 private:
  uint64_t last_run_ = 0;
};

TEST_F(ToolPartsTest, TheWholeChainOfInterpreters) {
  program("bin/inner", "inner");
  script("bin/outer", "bin/inner");
  script("tool", "bin/outer");
  EXPECT_THAT(parts("tool"), testing::ElementsAre("executable tool", "interpreter bin/outer",
                                                  "interpreter bin/inner"));
  EXPECT_TRUE(differs("tool", [&] { program("bin/inner", "other"); }));
  EXPECT_TRUE(differs("tool", [&] { script("bin/outer", "bin/inner", "x"); }));
  EXPECT_FALSE(differs("tool", [&] { program("bin/another", "other"); }));
}

TEST_F(ToolPartsTest, AnInterpreterThatIsAbsentIsFoundWhenItComes) {
  script("tool", "bin/interp");
  EXPECT_THAT(parts("tool"), testing::ElementsAre("executable tool"));
  EXPECT_TRUE(differs("tool", [&] { program("bin/interp", "one"); }));
}

TEST_F(ToolPartsTest, ScriptsInACircleEnd) {
  script("a", "b");
  script("b", "a");
  EXPECT_THAT(parts("a"), testing::ElementsAre("executable a", "interpreter b"));
}

TEST_F(ToolPartsTest, WhatEnvFindsInThePathOfTheProcess) {
  program("bin/interp", "one");
  for (const char* line : {"#!/usr/bin/env interp\n", "#!/usr/bin/env -S A=1 interp -u\n"}) {
    program("tool", line);
    EXPECT_THAT(parts("tool"), Contains("interpreter bin/interp")) << line;
    EXPECT_THAT(parts("tool"), Contains("interpreter /usr/bin/env")) << line;
  }
  EXPECT_TRUE(differs("tool", [&] { program("bin/interp", "two"); }));
  exec::Process elsewhere = process("tool");
  elsewhere.env["PATH"] = disk_.path("earlier") + ":" + disk_.path("bin");
  EXPECT_TRUE(differs(elsewhere, [&] { program("earlier/interp", "two"); }));
  EXPECT_THAT(parts(elsewhere), Contains("interpreter earlier/interp"));
  program("tool", "#!/usr/bin/env -S PATH=" + disk_.path("set") + " interp\n");
  program("set/interp", "three");
  EXPECT_THAT(parts("tool"), Contains("interpreter set/interp"));
}

TEST_F(ToolPartsTest, TheLoaderAndTheLibrariesOfAProgram) {
  copy("/bin/ls", "tool");
  const auto found = parts("tool");
  EXPECT_THAT(found, Contains(testing::MatchesRegex("loader /lib.*/ld-linux.*")));
  EXPECT_THAT(found, Contains(testing::MatchesRegex("library /.*/libc\\.so\\.6")));
  // A library of its own, found before the system's.
  std::string library;
  for (const exec::ToolComponent& component : tool(process("tool")).components) {
    if (component.path.ends_with("/libc.so.6")) library = component.path;
  }
  exec::Process own = process("tool");
  own.env["LD_LIBRARY_PATH"] = disk_.path("lib");
  EXPECT_TRUE(differs(own, [&] { copy(library, "lib/libc.so.6"); }));
  EXPECT_THAT(parts(own), Contains("library lib/libc.so.6"));
  EXPECT_TRUE(differs(own, [&] { append("lib/libc.so.6", "upgraded"); }));
  // What is no library is passed over, as the loader does.
  write("lib/libc.so.6", "text");
  EXPECT_THAT(parts(own), Not(Contains("library lib/libc.so.6")));
}

TEST_F(ToolPartsTest, AnInputHasPartsOnTheHostToo) {
  program("bin/interp", "one");
  exec::Process input = process("x");
  input.argv = {"./tool"};
  input.inputs = *store::tree_of({file("tool", "#!" + disk_.path("bin/interp") + "\n", true)});
  EXPECT_THAT(parts(input), testing::ElementsAre("interpreter bin/interp"));
  EXPECT_TRUE(differs(input, [&] { program("bin/interp", "two"); }));
  input.inputs = *store::tree_of({file("tool", *read_file("/bin/ls"), true)});
  EXPECT_THAT(parts(input), Contains(testing::MatchesRegex("library /.*/libc\\.so\\.6")));
}

class VenvTest : public ToolPartsTest {
 protected:
  VenvTest() {
    program("usr/bin/python3.11", "base python");
    disk_.make_directory("venv/bin");
    link(disk_.path("usr/bin/python3.11"), "venv/bin/python");
    write("venv/pyvenv.cfg", "home = " + disk_.path("usr/bin") +
                                 "\ninclude-system-site-packages = false\nversion = 3.11.2\n");
    install("tool", "1.0");
    install("dependency", "1.0");
    script("venv/bin/tool", "venv/bin/python", "from tool import main\n");
  }
  void install(const std::string& name, const std::string& version) {
    for (const char* old : {"1.0", "2.0"}) remove(kSite + name + "-" + old + ".dist-info");
    write(kSite + name + "-" + version + ".dist-info/METADATA", "Version: " + version);
    write(kSite + name + "-" + version + ".dist-info/RECORD", name + version);
  }
  const std::string kSite = "venv/lib/python3.11/site-packages/";
};

TEST_F(VenvTest, WhatIsInstalledBehindAConsoleScript) {
  EXPECT_THAT(parts("venv/bin/tool"),
              IsSupersetOf({"executable venv/bin/tool", "interpreter venv/bin/python",
                            "configuration venv/pyvenv.cfg",
                            "installed venv/lib/python3.11/site-packages"}));
  EXPECT_TRUE(differs("venv/bin/tool", [&] { install("tool", "2.0"); }));
  EXPECT_TRUE(differs("venv/bin/tool", [&] { install("dependency", "2.0"); }));
  EXPECT_TRUE(differs("venv/bin/tool", [&] { install("new", "1.0"); }));
  EXPECT_TRUE(differs("venv/bin/tool", [&] {
    write(kSite + "tool-2.0.dist-info/RECORD", "the same version, built anew");
  })) << "in place";
  EXPECT_TRUE(differs("venv/bin/tool", [&] { program("usr/bin/python3.11", "upgraded"); }));
  EXPECT_TRUE(differs("venv/bin/tool", [&] { append("venv/pyvenv.cfg", "x = y\n"); }));
  EXPECT_FALSE(differs("venv/bin/tool", [&] { write(kSite + "__pycache__/tool.pyc", "x"); }));
}

TEST_F(VenvTest, AScriptElsewhereAndTheInterpreterItselfToo) {
  script("bin/elsewhere", "venv/bin/python");
  for (const char* command : {"bin/elsewhere", "venv/bin/python"}) {
    install("tool", "1.0");
    EXPECT_TRUE(differs(command, [&] { install("tool", "2.0"); })) << command;
  }
}

TEST_F(VenvTest, TheSystemsPackagesIfTheVenvSeesThem) {
  const std::string site = "usr/lib/python3.11/site-packages";
  write(site + "/a-1.dist-info/METADATA", "1");
  EXPECT_THAT(parts("venv/bin/tool"), Not(Contains("installed " + site)));
  write("venv/pyvenv.cfg",
        "home = " + disk_.path("usr/bin") + "\ninclude-system-site-packages = true\n");
  EXPECT_THAT(parts("venv/bin/tool"), Contains("installed " + site));
  script("usr/bin/system-tool", "usr/bin/python3.11");
  EXPECT_TRUE(differs("usr/bin/system-tool", [&] {
    remove(site + "/a-1.dist-info");
    write(site + "/a-2.dist-info/METADATA", "2");
  }));
}

TEST_F(VenvTest, CodeThatIsImportedFromElsewhereIsSaidToBeUnknown) {
  write(kSite + "__editable__.mine.pth", "/src/mine\n");
  EXPECT_THAT(parts("venv/bin/tool"), Contains("unknown /src/mine"));
}

TEST_F(ToolPartsTest, WhatPyenvsShimsMayStart) {
  program("pyenv/shims/black",
          "#!/usr/bin/env bash\nexec \"/x/libexec/pyenv\" exec \"$program\" \"$@\"\n");
  program("pyenv/versions/3.11.2/bin/black", "one");
  program("pyenv/versions/3.12.0/bin/black", "two");
  write("pyenv/version", "3.11.2\n");
  EXPECT_THAT(
      parts("pyenv/shims/black"),
      IsSupersetOf({"configuration pyenv/version", "executable pyenv/versions/3.11.2/bin/black",
                    "executable pyenv/versions/3.12.0/bin/black"}));
  EXPECT_TRUE(differs("pyenv/shims/black", [&] { write("pyenv/version", "3.12.0\n"); }));
  EXPECT_TRUE(differs("pyenv/shims/black",
                      [&] { program("pyenv/versions/3.11.2/bin/black", "upgraded"); }));
  EXPECT_TRUE(
      differs("pyenv/shims/black", [&] { program("pyenv/versions/3.13.0/bin/black", "three"); }));
}

TEST_F(ToolPartsTest, WhatRustupsProxiesMayStart) {
  program("home/.cargo/bin/rustup", "rustup");
  fs::create_hard_link(disk_.path("home/.cargo/bin/rustup"), disk_.path("home/.cargo/bin/rustc"));
  link("rustup", "home/.cargo/bin/cargo");
  write("home/.rustup/settings.toml", "default_toolchain = \"stable\"\n");
  program("home/.rustup/toolchains/stable/bin/rustc", "one");
  program("home/.rustup/toolchains/stable/bin/cargo", "one");
  for (const std::string name : {"rustc", "cargo"}) {
    const std::string proxy = "home/.cargo/bin/" + name;
    const std::string real = "home/.rustup/toolchains/stable/bin/" + name;
    EXPECT_THAT(parts(proxy),
                IsSupersetOf(std::vector<std::string>{"configuration home/.rustup/settings.toml",
                                                      "executable " + real}));
    EXPECT_TRUE(differs(proxy, [&] { program(real, "upgraded " + name); }));
    EXPECT_TRUE(differs(proxy, [&] { append("home/.rustup/settings.toml", "# " + name + "\n"); }));
  }
}

TEST_F(ToolPartsTest, WhatAsdfsShimsMayStart) {
  program("asdf/shims/node",
          "#!/usr/bin/env bash\n# asdf-plugin: nodejs 18.0.0\nexec /x/asdf exec \"node\" \"$@\"\n");
  program("asdf/installs/nodejs/18.0.0/bin/node", "one");
  EXPECT_TRUE(
      differs("asdf/shims/node", [&] { program("asdf/installs/nodejs/18.0.0/bin/node", "two"); }));
  EXPECT_TRUE(differs("asdf/shims/node", [&] { write("home/.tool-versions", "nodejs 18.0.0"); }));
}

TEST_F(ToolPartsTest, AShimThatIsNotKnownSaysSo) {
  program("mise/shims/tool", "a program");
  EXPECT_THAT(parts("mise/shims/tool"), Contains("unknown mise/shims/tool"));
}

TEST_F(ToolPartsTest, ThePackageOfAScriptOfNode) {
  program("bin/node", "node");
  program("lib/node_modules/eslint/bin/eslint.js", "#!/usr/bin/env node\n");
  write("lib/node_modules/eslint/package.json", "{\"version\": \"1\"}");
  link("../lib/node_modules/eslint/bin/eslint.js", "bin/eslint");
  EXPECT_TRUE(differs("bin/eslint", [&] {
    write("lib/node_modules/eslint/package.json", "{\"version\": \"2\"}");
  }));
  EXPECT_TRUE(differs("bin/eslint", [&] { write("lib/node_modules/.package-lock.json", "{}"); }));
}

TEST_F(ToolPartsTest, WhatAWrapperStarts) {
  program("real", "one");
  program("wrapper", "#!/bin/sh\nexec " + disk_.path("real") + " \"$@\"\n");
  EXPECT_TRUE(differs("wrapper", [&] { program("real", "two"); }));
  EXPECT_THAT(parts("wrapper"), Not(Contains("unknown wrapper")));
  program("wrapper", "#!/bin/sh\nexec \"$ROOT/real\" \"$@\"\n");
  EXPECT_THAT(parts("wrapper"), Contains("unknown wrapper"));
}

TEST_F(ToolPartsTest, AskingAgainLooksAtNothing) {
  copy("/bin/ls", "tool");
  settle();
  (void)tool(process("tool"));
  (void)tool(process("tool"));
  work();
  (void)tool(process("tool"));
  EXPECT_EQ(work().looked, 0);
}

class ToolCheckTest : public VenvTest {};

TEST_F(ToolCheckTest, AToolThatIsAsItWasIsRecognized) {
  const exec::HostTool found = tool(process("venv/bin/tool"));
  const auto before = files_of_tools_.look(found);
  ASSERT_TRUE(before.ok()) << before.error().to_string();
  EXPECT_EQ(*files_of_tools_.look(found), *before);
  write(kSite + "__pycache__/tool.pyc", "compiled while it ran");
  EXPECT_EQ(*files_of_tools_.look(found), *before);
}

TEST_F(ToolCheckTest, AnyComponentThatChangedIsNamed) {
  const auto changed = [&](const std::string& path) -> std::function<bool()> {
    const exec::HostTool found = tool(process("venv/bin/tool"));
    return [this, found, path] {
      const auto now = files_of_tools_.look(found);
      return !now.ok() && exec::is_tool_changed(now.error()) &&
             now.error().message().find(disk_.path(path)) != std::string::npos;
    };
  };
  auto is_changed = changed("venv/bin/tool");
  script("venv/bin/tool", "venv/bin/python", "other\n");
  EXPECT_TRUE(is_changed());
  is_changed = changed("venv/bin/python");
  program("usr/bin/python3.12", "newer");
  remove("venv/bin/python");
  link(disk_.path("usr/bin/python3.12"), "venv/bin/python");
  EXPECT_TRUE(is_changed()) << "another file behind the same link";
  is_changed = changed("venv/lib/python3.11/site-packages");
  install("dependency", "2.0");
  EXPECT_TRUE(is_changed());
  is_changed = changed("venv/pyvenv.cfg");
  remove("venv/pyvenv.cfg");
  EXPECT_TRUE(is_changed());
}

TEST_F(ToolCheckTest, AToolThatIsBackAgainHasAnotherState) {
  const exec::HostTool found = tool(process("venv/bin/tool"));
  const auto before = files_of_tools_.look(found);
  ASSERT_TRUE(before.ok());
  rename("venv/bin/tool", "venv/bin/kept");
  script("venv/bin/tool", "venv/bin/python", "other\n");
  rename("venv/bin/kept", "venv/bin/tool");
  const auto after = files_of_tools_.look(found);
  ASSERT_TRUE(after.ok());
  EXPECT_NE(*after, *before);
}

}  // namespace
}  // namespace kiln::intrinsics
