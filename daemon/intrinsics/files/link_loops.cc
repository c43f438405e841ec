#include "daemon/intrinsics/files/link_loops.h"

#include <algorithm>
#include <vector>

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kName = "fs.loops/1";
// Links times what is left to match behind them.
constexpr size_t kMostLinks = size_t{1} << 20;

// Vertices and edges. A vertex is a place where a walk begins, or a link.
class Ways {
 public:
  struct Added {
    uint32_t vertex;
    bool is_new;
  };
  Added add(bool link, const RelPath& path, const os::GlobState& state) {
    const auto [at, is_new] = known_.try_emplace({link, {path, state}}, size());
    if (is_new) {
      next_.emplace_back();
      names_.push_back(&at->first);
    }
    return {at->second, is_new};
  }
  void connect(uint32_t from, uint32_t to) { next_[from].push_back(to); }
  uint32_t size() const { return static_cast<uint32_t>(next_.size()); }

  LinkLoops loops() const {
    LinkLoops found;
    uint32_t circle = 0;
    for (const std::vector<uint32_t>& component : components()) {
      if (component.size() < 2) continue;  // no link leads to itself without a directory between
      ++circle;
      for (const uint32_t vertex : component) {
        const auto& [link, place] = *names_[vertex];
        (link ? found.links : found.starts).emplace(place, circle);
      }
    }
    return found;
  }

 private:
  // The strongly connected components, by Tarjan's algorithm, without recursion.
  std::vector<std::vector<uint32_t>> components() const {
    constexpr uint32_t kNone = UINT32_MAX;
    struct Visit {
      uint32_t vertex;
      size_t next;
    };
    std::vector<uint32_t> index(size(), kNone);
    std::vector<uint32_t> low(size(), 0);
    std::vector<bool> open(size(), false);
    std::vector<uint32_t> stack;
    std::vector<std::vector<uint32_t>> found;
    uint32_t count = 0;
    for (uint32_t start = 0; start < size(); ++start) {
      if (index[start] != kNone) continue;
      std::vector<Visit> visits = {{start, 0}};
      while (!visits.empty()) {
        auto& [vertex, next] = visits.back();
        if (next == 0) {
          index[vertex] = low[vertex] = count++;
          stack.push_back(vertex);
          open[vertex] = true;
        } else {
          low[vertex] = std::min(low[vertex], low[next_[vertex][next - 1]]);
        }
        while (next < next_[vertex].size() && index[next_[vertex][next]] != kNone) {
          if (open[next_[vertex][next]]) {
            low[vertex] = std::min(low[vertex], index[next_[vertex][next]]);
          }
          ++next;
        }
        if (next < next_[vertex].size()) {
          const uint32_t below = next_[vertex][next++];
          visits.push_back({below, 0});
          continue;
        }
        const uint32_t done = vertex;
        visits.pop_back();
        if (low[done] == index[done]) found.push_back(closed(done, stack, open));
      }
    }
    return found;
  }

  // Takes the component whose first vertex is `first` off the stack.
  static std::vector<uint32_t> closed(uint32_t first, std::vector<uint32_t>& stack,
                                      std::vector<bool>& open) {
    std::vector<uint32_t> component;
    do {
      component.push_back(stack.back());
      open[stack.back()] = false;
      stack.pop_back();
    } while (component.back() != first);
    return component;
  }

  using Name = std::pair<bool, LinkLoops::Place>;  // a link, or a place where a walk begins
  std::map<Name, uint32_t> known_;
  std::vector<const Name*> names_;
  std::vector<std::vector<uint32_t>> next_;
};

class LoopsFunction final : public graph::Function {
 public:
  explicit LoopsFunction(const GlobFunction& glob) : glob_(glob) {}
  std::string_view name() const override { return kName; }
  std::string describe(const graph::Value& value) const override {
    return "look for links that lead in circles in " +
           graph::value_as<GlobInput>(value).workspace->root();
  }

  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& value) const override {
    const auto& root = graph::value_as<GlobInput>(value);
    Ways ways;
    std::vector<GlobInput> starts = {root};  // that are still to be walked
    ways.add(false, root.real, root.state);
    while (!starts.empty()) {
      std::vector<graph::Key> keys;
      keys.reserve(starts.size());
      for (const GlobInput& start : starts) keys.push_back(glob_.key(start));
      KILN_CO_ASSIGN(const auto walked, co_await context.get_all(std::move(keys)));
      std::vector<GlobInput> next;
      for (size_t i = 0; i < walked.size(); ++i) {
        add_links(starts[i], graph::value_as<GlobResult>(walked[i]), ways, next);
        if (ways.size() > kMostLinks) co_return too_many(root);
      }
      starts = std::move(next);
    }
    LinkLoops loops = ways.loops();
    if (!loops.links.empty() && !root.query->names_only) {
      co_return endless(root, loops.links.begin()->first);
    }
    co_return graph::Computed{graph::make_value(std::move(loops))};
  }

 private:
  static void add_links(const GlobInput& start, const GlobResult& walked, Ways& ways,
                        std::vector<GlobInput>& next) {
    const uint32_t from = ways.add(false, start.real, start.state).vertex;
    for (const GlobResult::Link& link : walked.links) {
      const Ways::Added at = ways.add(true, start.real.join(link.path), link.state);
      ways.connect(from, at.vertex);
      if (!at.is_new) continue;
      const Ways::Added target = ways.add(false, link.target, link.state);
      ways.connect(at.vertex, target.vertex);
      if (target.is_new) next.push_back({start.workspace, start.query, link.target, link.state});
    }
  }

  static Error endless(const GlobInput& root, const LinkLoops::Place& loop) {
    return user_error(ErrorCode::kInvalidArgument,
                      "the link " + root.workspace->describe(loop.first) +
                          " leads to where the globs come back to it: following it would never "
                          "end; exclude the link with '!/" +
                          printable(loop.first.str()) + "', or in .gitignore");
  }

  static Error too_many(const GlobInput& root) {
    return user_error(ErrorCode::kResourceExhausted,
                      "the globs lead through more than " + std::to_string(kMostLinks) +
                          " links to directories in " + root.workspace->root() +
                          "; exclude some with a '!' glob or .gitignore");
  }

  const GlobFunction& glob_;
};

}  // namespace

bool LinkLoops::loops(const Place& start, const Place& link) const {
  const auto of_start = starts.find(start);
  const auto of_link = links.find(link);
  return of_start != starts.end() && of_link != links.end() && of_start->second == of_link->second;
}

size_t footprint(const LinkLoops& loops) {
  constexpr size_t kNode = sizeof(LinkLoops::Places::value_type) + 4 * sizeof(void*);
  size_t bytes = 0;
  for (const auto* places : {&loops.starts, &loops.links}) {
    for (const auto& [place, circle] : *places) {
      bytes += kNode + heap_bytes(place.first) + heap_bytes(place.second.positions) +
               heap_bytes(place.second.excludes);
    }
  }
  return bytes;
}

std::unique_ptr<graph::Function> make_link_loops(const GlobFunction& glob) {
  return std::make_unique<LoopsFunction>(glob);
}

graph::Key link_loops_key(const graph::Function& function, GlobInput root) {
  const Hash128 hash = hash_of(kName, root);
  return {hash, &function, graph::make_value(std::move(root))};
}

}  // namespace kiln::intrinsics
