# What all cases share. A case begins with: . "$(dirname "$0")/lib.sh"
# The case then runs in $W, an empty workspace inside the temporary folder $T. `kiln` has a home and a runtime
# directory of its own. ok, fault TEXT and cannot TEXT print one line and end the case with exit code 0, 1 or 77
# (77: the machine lacks what the case needs). At the end the daemon is stopped and $T is removed. A case that
# mounts something defines undo(), which unmounts it.
# shellcheck shell=bash disable=SC2034,SC2086
set -u
if [ ! -x "${1:-}/kiln" ] || [ ! -x "${1:-}/kilnd" ]; then
  echo "usage: $0 DIRECTORY_WITH_kiln_AND_kilnd" >&2
  exit 2
fi
ok() { echo ok; exit 0; }
fault() { echo "FAULT: $*"; exit 1; }
cannot() { echo "not tried: $*"; exit 77; }

# MOUNTS=1 before this file is read: the case runs in a mount namespace of its own.
if [ "${MOUNTS:-}" ] && [ -z "${CASE_IN_MOUNTS:-}" ]; then
  unshare -m true 2>/dev/null || cannot "needs root, for mounts"
  CASE_IN_MOUNTS=1 exec unshare -m "$0" "$@"
fi

for name in "${!KILN_@}" "${!GIT_@}"; do unset "$name"; done
export LC_ALL=C GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 NO_COLOR=1
export GIT_AUTHOR_NAME=case GIT_AUTHOR_EMAIL=case@example.com GIT_COMMITTER_NAME=case GIT_COMMITTER_EMAIL=case@example.com
BIN=$(readlink -f "$1")
PATH=$BIN:$PATH
T=$(mktemp -d "${TMPDIR:-/tmp}/kc.XXXXXX") || exit 77
W=$T/w
export KILN_HOME=$T/h KILN_RUNTIME_DIR=$T/r
finish() {
  trap - EXIT
  cd /
  jobs=$(jobs -p)
  [ -z "$jobs" ] || kill $jobs 2>/dev/null
  timeout 5 kiln daemon stop --force >/dev/null 2>&1
  for p in /proc/[0-9]*; do  # what did not go: a daemon of this case, a process that works below $T
    case $(readlink "$p/exe" 2>/dev/null):$(readlink "$p/cwd" 2>/dev/null)/ in
      *:"$T"/*) kill -9 "${p#/proc/}" 2>/dev/null ;;
      */kilnd*) grep -qz "^KILN_HOME=$T/" "$p/environ" 2>/dev/null && kill -9 "${p#/proc/}" ;;
    esac
  done
  command -v undo >/dev/null && undo >/dev/null 2>&1
  chmod -R u+rwX "$T" 2>/dev/null
  rm -rf "$T"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
mkdir -m 700 "$T/r" && mkdir "$W" && cd "$W" && : >kiln.toml || exit 77

# field NAME: its value in the JSON object on standard input.
field() { python3 -c 'import json,sys; v=json.load(sys.stdin).get(sys.argv[1]); print("null" if v is None else str(v).lower() if isinstance(v,bool) else v)' "$1"; }
# A Python that a process in a strict sandbox can see too.
PY=/usr/bin/python3; [ -x $PY ] || PY=$(command -v python3)
as_root() { [ "$(id -u)" = 0 ] || cannot "needs root"; }
has() { for program; do command -v "$program" >/dev/null || cannot "needs $program"; done; }
# as_user COMMAND...: as an ordinary user, with the temporary folder as that user's; itself if nobody is root.
as_user() {
  [ "$(id -u)" = 0 ] || { "$@"; return; }
  if [ ! -d "$T/bin" ]; then
    command -v setpriv >/dev/null || cannot "needs setpriv"
    mkdir "$T/bin" && cp "$BIN/kiln" "$BIN/kilnd" "$T/bin/" && chmod 755 "$T" "$T/bin" && chown -R 65534:65534 "$T/r" "$W"
    mkdir -p "$KILN_HOME" && chmod 700 "$KILN_HOME" && chown -R 65534:65534 "$KILN_HOME"
  fi
  PATH=$T/bin:$PATH HOME=$T setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# grpc_python: runs the Python program on standard input against the running daemon, with what is below.
# Needs grpcio, grpcio-reflection and grpcio-status: deploy/python.sh installs them into build/python.
need_grpc() {
  local own
  own=$(cd "$(dirname "$0")/../.." && pwd)/build/python/bin/python
  for PYTHON in "$own" python3 ''; do
    [ "$PYTHON" ] && "$PYTHON" -c 'import grpc, grpc_status.rpc_status, grpc_reflection.v1alpha.reflection' 2>/dev/null && break
  done
  [ "$PYTHON" ] || cannot "needs grpcio, grpcio-reflection and grpcio-status; deploy/python.sh installs them"
  kiln daemon start >/dev/null 2>&1
}
grpc_python() { { cat <<'P'; cat; } | GRPC_VERBOSITY=NONE "$PYTHON" -; }
import glob, os, signal, subprocess, sys, threading, time, grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
def ok(): print('ok', flush=True); os._exit(0)
def fault(text): print('FAULT:', text, flush=True); os._exit(1)
def channel(**options):
    return grpc.insecure_channel('unix:' + glob.glob(os.environ['KILN_RUNTIME_DIR'] + '/*.sock')[0],
                                 options=[('grpc.' + k, v) for k, v in options.items()])
CH = channel()
POOL = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(CH))
def M(name, **fields):  # a message of kiln.v1
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName('kiln.v1.' + name))(**fields)
def call(method, request, channel=CH, **more):  # call('Digests/Capture', request)
    service, name = method.split('/')
    m = POOL.FindServiceByName('kiln.v1.' + service).methods_by_name[name]
    kind = ('stream_' if m.client_streaming else 'unary_') + ('stream' if m.server_streaming else 'unary')
    return getattr(channel, kind)('/kiln.v1.' + method, lambda x: x.SerializeToString(),
                                  message_factory.GetMessageClass(m.output_type).FromString)(request, **more)
def caller(root=None): return M('Caller', workspace_root=root or os.getcwd())
def process(*argv, **more): return M('Process', argv=argv, env={'PATH': '/usr/bin:/bin'}, **more)
P
