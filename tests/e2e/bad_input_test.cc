// Whatever comes in: a message that says what, where and what to do, the right exit code, and a
// daemon that goes on.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;

class BadInput : public KilnTest {
 protected:
  // The command fails with this code, every text is in what it says, and the daemon goes on.
  void refused(Arguments arguments, int exit_code, std::initializer_list<std::string> texts) {
    const Outcome outcome = kiln(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    for (const std::string& text : texts) {
      EXPECT_NE(outcome.err.find(text), std::string::npos)
          << "no '" << text << "' in: " << outcome.err;
    }
    EXPECT_EQ(kiln({"exec", "--", "echo", "alive"}).out, "alive\n");
  }

  // Overwrites the first bytes of the store's files of this size.
  void damage_files_of_size(uintmax_t size) {
    for (const auto& entry : fs::recursive_directory_iterator(home() / "store")) {
      if (!entry.is_regular_file() || entry.file_size() != size) continue;
      ::chmod(entry.path().c_str(), 0644);
      std::ofstream(entry.path(), std::ios::in | std::ios::out) << "damaged";
    }
  }
};

TEST_F(BadInput, UnknownOptionsAndCommandsSuggestTheNearest) {
  refused({"exec", "--inptu", "x", "--", "true"}, 2, {"--inptu", "--input"});
  refused({"exce", "--", "true"}, 2, {"exce", "exec"});
  refused({"digest", "mrege"}, 2, {"merge"});
}

TEST_F(BadInput, PathsThatLeaveTheRoot) {
  refused({"exec", "--input", "/etc/passwd", "--", "true"}, 2, {"/etc/passwd"});
  refused({"exec", "--input", "../x", "--", "true"}, 2, {"../x"});
  refused({"exec", "--output-file", "/abs", "--", "true"}, 2,
          {"/abs", "leads out of the workspace"});
  refused({"exec", "--output-file", "a/../../x", "--", "true"}, 2, {"a/../../x"});
  refused({"exec", "--workdir", "../w", "--", "true"}, 2, {"../w"});
  refused({"digest", "create", "../x=1"}, 2, {"../x"});
  refused({"digest", "create", "/x=1"}, 2, {"/x"});
}

TEST_F(BadInput, GlobsThatMatchNothing) {
  refused({"exec", "--input", "absent/**", "--", "true"}, 2, {"absent/**", "no file matches"});
  refused({"digest", "capture", "--error", "error", "--origin", "the test", "absent"}, 2,
          {"absent", "the test"});
  write(".gitignore", "# comment\nhidden/\n");
  write("hidden/file", "x");
  refused({"exec", "--input", "hidden/*", "--", "true"}, 2, {"hidden/*", "line 2", ".gitignore"});
  refused({"exec", "--input", "absent/../hidden/file", "--", "true"}, 2, {"'..'", "no directory"});
}

TEST_F(BadInput, CommandsThatCannotRun) {
  refused({"exec", "--", "no-such-command"}, 127, {"no-such-command", "PATH"});
  refused({"exec", "--env", "PATH=", "--", "ls"}, 127, {"ls"});
  refused({"exec", "--", "/etc/passwd"}, 126, {"/etc/passwd"});
  refused({"exec"}, 2, {"--"});
  refused({}, 2, {"a command is needed", "kiln COMMAND --help"});
  refused({"digest"}, 2, {"a command is needed", "digest cat"});
}

TEST_F(BadInput, Timeouts) {
  for (const char* timeout : {"-1", "0", "x", "nan"}) {
    refused({"exec", "--timeout", timeout, "--", "true"}, 2, {"timeout"});
  }
  refused({"exec", "--timeout", "1e99", "--", "true"}, 2, {"1e+99", "up to 315360000"});
}

TEST_F(BadInput, DirectoriesWhereFilesAreWanted) {
  refused({"digest", "create", "x=@/etc"}, 2, {"/etc: Is a directory"});
  refused({"exec", "--batch", "/tmp"}, 2, {"/tmp: Is a directory"});
}

TEST_F(BadInput, DigestsThatTheStoreDoesNotHold) {
  const std::string absent = std::string(64, 'a') + "/77";
  refused({"digest", "ls", absent}, 2, {absent});
  refused({"exec", "--digest", absent, "--", "true"}, 2, {absent});
  refused({"digest", "ls", "not-a-digest"}, 2, {"not-a-digest", "HASH/SIZE"});
  const Outcome created = kiln({"digest", "create", "a=1"});
  const std::string digest = created.out.substr(0, created.out.find('\n'));
  refused({"digest", "cat", digest, "b"}, 2, {"b"});
}

TEST_F(BadInput, ANameThatIsNotUtf8) {
  write("dir/caf\xe9", "x");
  write("dir/fine", "x");
  refused({"exec", "--input", "dir/**", "--", "true"}, 2, {"UTF-8", "caf\\xe9"});
  EXPECT_EQ(kiln({"exec", "--input", "dir/f*", "--", "ls", "dir"}).out, "fine\n");
}

TEST_F(BadInput, AWorkspaceThatDisappears) {
  const fs::path root = workspace().parent_path() / "short-lived";
  write_file(root / "f", "1");
  const Arguments command = {"exec", "--root", root.string(), "--input", "f", "--", "cat", "f"};
  EXPECT_EQ(kiln(command).out, "1");
  fs::remove_all(root);
  const Outcome outcome = kiln(command);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("short-lived"), std::string::npos) << outcome.err;
  write_file(root / "f", "2");
  EXPECT_EQ(kiln(command).out, "2");
}

TEST_F(BadInput, AWorkspaceThatDisappearsInMidRequest) {
  const fs::path root = workspace().parent_path() / "short-lived";
  fs::create_directories(root);
  ASSERT_EQ(::mkfifo((workspace() / "gate").c_str(), 0600), 0);
  const std::string gate = (workspace() / "gate").string();
  Command command = start({"exec", "--root", root.string(), "--write", "--output-file", "made",
                           "--", "sh", "-c", "echo on; cat " + gate + "; echo x > made"});
  ASSERT_TRUE(command.read_until("on\n"));
  fs::remove_all(root);
  write_file(gate, "");
  const Outcome outcome = command.wait();
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find("short-lived"), std::string::npos) << outcome.err;
  EXPECT_EQ(kiln({"exec", "--", "echo", "alive"}).out, "alive\n");
}

TEST_F(BadInput, ACurrentDirectoryThatWasRemoved) {
  const Outcome outcome =
      run({"sh", "-c",
           "mkdir gone && cd gone && rmdir ../gone && exec " + client().string() + " exec -- true"},
          {environment(), workspace().string(), ""});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("the current directory was removed"), std::string::npos)
      << outcome.err;
}

TEST_F(BadInput, ALinkThatNeverEnds) {
  write("dir/f", "x");
  fs::create_directory_symlink("..", workspace() / "dir/up");
  refused({"exec", "--input", "**", "--", "true"}, 2, {"dir/up", "link"});
  EXPECT_EQ(kiln({"exec", "--input", "dir/f", "--", "cat", "dir/f"}).out, "x");
}

TEST_F(BadInput, AHomeThatCannotBeWritten) {
  environment()["KILN_HOME"] = "/proc/kiln-home";
  const Outcome outcome = kiln({"exec", "--", "true"});
  EXPECT_EQ(outcome.exit_code, 125) << outcome.err;
  EXPECT_NE(outcome.err.find("KILN_HOME"), std::string::npos) << outcome.err;
  environment()["KILN_HOME"] = home().string();
}

TEST_F(BadInput, AReadOnlyHomeIsSaidOnceWithWhatToDo) {
  fs::create_directories(home());
  if (::mount("tmpfs", home().c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "mounting a tmpfs needs root";
  }
  ASSERT_EQ(::mount("tmpfs", home().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m"), 0);
  const Outcome outcome = kiln({"exec", "--", "true"});
  ::umount2(home().c_str(), MNT_DETACH);
  EXPECT_EQ(outcome.exit_code, 125);
  const size_t why = outcome.err.find("Read-only file system");
  EXPECT_NE(why, std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("Read-only file system", why + 1), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("set it to a directory"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("its log"), std::string::npos) << "there is none: " << outcome.err;
}

TEST_F(BadInput, SettingsOfTheDaemonThatAreNoNumbers) {
  environment()["KILN_IDLE_TIMEOUT"] = "abc";
  const Outcome outcome = kiln({"exec", "--", "true"});
  EXPECT_EQ(outcome.exit_code, 125);
  EXPECT_NE(outcome.err.find("KILN_IDLE_TIMEOUT"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("'abc' is not a whole number from 0 to "), std::string::npos)
      << outcome.err;
  environment().erase("KILN_IDLE_TIMEOUT");
}

TEST_F(BadInput, NobodySeesATraceUnlessTheyAsk) {
  const Arguments command = {"exec", "--input", "absent", "--", "true"};
  EXPECT_EQ(kiln(command).err.find("while computing"), std::string::npos);
  Arguments traced = command;
  traced.insert(traced.begin(), {"--level", "debug"});
  EXPECT_NE(kiln(traced).err.find("while computing"), std::string::npos);
  refused({"--level", "loud", "exec", "--", "true"}, 2, {"--level 'loud'", "debug"});
}

TEST_F(BadInput, ControlCharactersDoNotReachTheTerminal) {
  write("a\x1b[31mb", "");
  for (const char* arguments :
       {"paths '**'", "exec --description \"$(printf 'x\\033[31my')\" -- sleep 0.4"}) {
    const Outcome outcome =
        run({"script", "-qec", client().string() + " --color never " + arguments, "/dev/null"},
            {environment(), workspace().string(), ""});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
    EXPECT_EQ(outcome.out.find("\x1b[31m"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("\\x1b[31m"), std::string::npos) << outcome.out;
  }
}

TEST_F(BadInput, AHomeThatIsAFile) {
  write_file(home(), "a file");
  const Outcome outcome = kiln({"exec", "--", "true"});
  EXPECT_EQ(outcome.exit_code, 125) << outcome.err;
  EXPECT_NE(outcome.err.find(home().string()), std::string::npos) << outcome.err;
  fs::remove(home());
}

TEST_F(BadInput, AFullDisk) {
  ASSERT_EQ(::geteuid(), 0u) << "this test mounts a tmpfs, which needs root";
  fs::create_directories(home());
  ASSERT_EQ(::mount("tmpfs", home().c_str(), "tmpfs", 0, "size=24m"), 0);
  write("big", std::string(40'000'000, 'b'));
  const Outcome outcome = kiln({"exec", "--input", "big", "--", "true"});
  EXPECT_EQ(outcome.exit_code, 125) << outcome.err;
  EXPECT_NE(outcome.err.find("No space left"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find(home().string()), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("free some space"), std::string::npos) << outcome.err;
  write("small", "s");
  EXPECT_EQ(kiln({"exec", "--input", "small", "--", "cat", "small"}).out, "s");
  stop_daemon();
  ::umount2(home().c_str(), MNT_DETACH);
}

TEST_F(BadInput, ADamagedLargeBlobIsReadAgainAfterARestart) {
  write("large", std::string(200'000, 'l'));
  EXPECT_EQ(kiln({"exec", "--input", "large", "--", "md5sum", "large"}).exit_code, 0);
  stop_daemon();
  damage_files_of_size(200'000);
  const Outcome outcome = kiln({"exec", "--input", "large", "--", "head", "-c", "7", "large"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "lllllll");
}

TEST_F(BadInput, ADamagedInputIsCapturedAgainByARunningDaemon) {
  write("large", std::string(200'000, 'l'));
  EXPECT_EQ(kiln({"exec", "--input", "large", "--", "md5sum", "large"}).exit_code, 0);
  damage_files_of_size(200'000);
  const Outcome outcome = kiln({"exec", "--input", "large", "--", "head", "-c", "7", "large"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "lllllll");
}

TEST_F(BadInput, ManyDamagedContentsAreHealedInOneRun) {
  std::mt19937 random(1);  // the database compresses what repeats
  const auto bytes_of = [&random](size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  };
  for (int i = 0; i < 40; ++i) {
    write("S/f" + std::to_string(i), bytes_of(3000));
    write("L/f" + std::to_string(i), bytes_of(100'000));
  }
  const std::string sizes = "cat S/* L/* | wc -c";
  const std::string all = std::to_string(40 * 103'000) + "\n";
  const Arguments options = {"--input", "S/**", "--input", "L/**"};
  ASSERT_EQ(exec_json(options, sizes)["stdout"], all);
  stop_daemon();
  ASSERT_EQ(kiln({"daemon", "start"}).exit_code, 0);  // its end writes the log of the first out
  stop_daemon();
  int damaged = 0;
  for (const auto& table : fs::directory_iterator(home() / "store/db")) {
    if (table.path().extension() != ".sst") continue;
    std::string bytes = slurp(table.path());
    // Not what stands at the end, which says where everything else is.
    for (size_t at = 1000; at + 3000 < bytes.size(); at += 1500) {
      bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
      ++damaged;
    }
    write_file(table.path(), bytes);
  }
  ASSERT_GT(damaged, 40);
  for (const auto& file : fs::recursive_directory_iterator(home() / "store/files")) {
    if (file.is_regular_file()) fs::remove(file.path());
  }
  const auto healed = exec_json(options, sizes + " ; : again");
  EXPECT_EQ(healed["stdout"], all) << healed;
}

TEST_F(BadInput, ABlobThatIsNoFileIsNotWaitedFor) {
  write("large", std::string(200'000, 'l'));
  const Outcome captured = kiln({"digest", "capture", "large"});
  ASSERT_EQ(captured.exit_code, 0);
  const std::string tree = captured.out.substr(0, captured.out.find('\n'));
  for (const auto& file : fs::recursive_directory_iterator(home() / "store/files")) {
    if (!file.is_regular_file()) continue;
    fs::remove(file.path());
    ASSERT_EQ(::mkfifo(file.path().c_str(), 0600), 0);
  }
  const Outcome lost = kiln({"digest", "cat", tree, "large"});
  EXPECT_EQ(lost.exit_code, 125) << lost.err;
  // Whoever captures it again brings it back, because somebody missed it.
  EXPECT_EQ(kiln({"digest", "capture", "large"}).out, captured.out);
  EXPECT_EQ(kiln({"digest", "cat", tree, "large"}).out, std::string(200'000, 'l'));
}

TEST_F(BadInput, DirectoriesOfTheStoreThatAreRemovedComeBack) {
  write("large", std::string(200'000, 'l'));
  ASSERT_EQ(kiln({"exec", "--", "true"}).exit_code, 0);
  for (const char* directory : {"store/tmp", "store/files"}) {
    fs::remove_all(home() / directory);
    EXPECT_EQ(kiln({"digest", "capture", "large"}).exit_code, 0) << directory;
  }
}

TEST_F(BadInput, AnOutputThatSomebodyMissedIsMadeAgain) {
  const Arguments options = {"--output-file", "made"};
  const std::string script = "head -c 200000 /dev/zero > made";
  const std::string tree = exec_json(options, script)["output_digest"];
  ASSERT_EQ(kiln({"digest", "cat", tree, "made"}).exit_code, 0);
  for (const auto& file : fs::recursive_directory_iterator(home() / "store/files")) {
    if (file.is_regular_file()) fs::remove(file.path());
  }
  EXPECT_EQ(kiln({"digest", "cat", tree, "made"}).exit_code, 125);
  EXPECT_EQ(exec_json(options, script)["output_digest"], tree);
  EXPECT_EQ(kiln({"digest", "cat", tree, "made"}).out, std::string(200'000, '\0'));
  EXPECT_EQ(counter("process.ran"), 2);
}

TEST_F(BadInput, ADatabaseThatDamageStoppedIsRepairedByTheNextRequest) {
  write("f", "text");
  ASSERT_EQ(kiln({"digest", "capture", "f"}).exit_code, 0);
  const int64_t before = daemon_pid();
  write_file(home() / "store/db.repair", "");  // as RocksDB's background work leaves it
  const Outcome outcome = kiln({"exec", "--input", "f", "--", "cat", "f"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "text");
  EXPECT_NE(daemon_pid(), before);
  EXPECT_FALSE(fs::exists(home() / "store/db.repair"));
}

TEST_F(BadInput, AHomeThatOthersMayEnterIsClosed) {
  fs::create_directories(home());
  fs::permissions(home(), fs::perms(0755));
  ASSERT_EQ(kiln({"exec", "--", "true"}).exit_code, 0);
  EXPECT_EQ(fs::status(home()).permissions(), fs::perms(0700));
}

TEST_F(BadInput, AHomeOfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give directories away";
  fs::create_directories(home());
  ASSERT_EQ(::chown(home().c_str(), 4711, 4711), 0);
  const Outcome outcome = kiln({"exec", "--", "true"});
  EXPECT_EQ(outcome.exit_code, 125) << outcome.err;
  for (const std::string& text :
       {home().string(), std::string("uid 4711"), std::string("sudo -H")}) {
    EXPECT_NE(outcome.err.find(text), std::string::npos) << outcome.err;
  }
  EXPECT_TRUE(fs::is_empty(home()));
  ASSERT_EQ(::chown(home().c_str(), 0, 0), 0);
}

TEST_F(BadInput, ATreeThatIsHugeAsAListIsRefusedAtOnce) {
  const auto line = [&](Arguments arguments) {
    const Outcome outcome = kiln(std::move(arguments));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out.substr(0, outcome.out.find('\n'));
  };
  std::string tree = line({"digest", "create", "f=x"});
  for (int i = 0; i < 30; ++i) {
    tree = line({"digest", "merge", line({"digest", "add-prefix", tree, "a"}),
                 line({"digest", "add-prefix", tree, "b"})});
  }
  for (const Arguments& command :
       {Arguments{"digest", "ls", tree}, Arguments{"digest", "entries", tree},
        Arguments{"digest", "write", tree}, Arguments{"exec", "--digest", tree, "--", "true"},
        Arguments{"rules", "query", "Snapshot", "Digest=\"" + tree + "\""}}) {
    const Outcome outcome = kiln(command);
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_NE(outcome.err.find("the limit is 10000000"), std::string::npos) << outcome.err;
  }
  // A part of it is like any other tree.
  std::string path;
  for (int i = 0; i < 30; ++i) path += i % 2 == 0 ? "a/" : "b/";
  path += "f";
  EXPECT_EQ(kiln({"digest", "cat", tree, path}).out, "x");
  EXPECT_EQ(kiln({"digest", "cat", line({"digest", "subset", tree, path}), path}).out, "x");
  EXPECT_EQ(line({"digest", "subset", tree, "**"}), tree);
  EXPECT_EQ(line({"digest", "subset", tree, "**", "!other"}), tree);
}

TEST_F(BadInput, ADamagedOutputIsMadeAgain) {
  const Arguments command = {"exec",
                             "--write",
                             "--output-file",
                             "made",
                             "--",
                             "sh",
                             "-c",
                             "head -c 200000 /dev/zero > made"};
  ASSERT_EQ(kiln(command).exit_code, 0);
  EXPECT_EQ(read("made"), std::string(200'000, '\0'));
  fs::remove(workspace() / "made");
  damage_files_of_size(200'000);
  const Outcome outcome = kiln(command);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(read("made"), std::string(200'000, '\0'));
  EXPECT_EQ(counter("process.ran"), 2);
}

}  // namespace
}  // namespace kiln::test
