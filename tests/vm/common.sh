# shellcheck shell=bash
# What the scripts of tests/vm share: where the cache is, how a kernel is named, how to say things. Sourced, not run.

vm_cache="${TCPACCEPT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tcpaccept}/vm"
# Every kernel the tests know, oldest first. TCPACCEPT_VM_ARCH is the architecture of the VM, amd64 or arm64; the cache has one folder
# for each.
# shellcheck disable=SC2034 # used by those who source this
vm_kernels=(5.10 6.1 6.12 7.2)
vm_arch="${TCPACCEPT_VM_ARCH:-amd64}"

say() { printf '%s\n' "${0##*/}: $*" >&2; }
die() {
  say "$*"
  exit 1
}

kernel_dir() { printf '%s/kernels/%s/%s\n' "$vm_cache" "$vm_arch" "$1"; }
tools_dir() { printf '%s/%s/%s\n' "$vm_cache" "${1:-tools}" "$vm_arch"; } # [tools|bench-tools|sysroot]

# Whether this machine cannot run the VM's programs itself.
foreign() {
  case "$(uname -m)" in
    x86_64) [ "$vm_arch" != amd64 ] ;;
    aarch64) [ "$vm_arch" != arm64 ] ;;
  esac
}

# The multiarch folder of libraries on Debian.
lib_triplet() {
  case "$vm_arch" in
    amd64) echo x86_64-linux-gnu ;;
    arm64) echo aarch64-linux-gnu ;;
    *) die "unknown architecture $vm_arch" ;;
  esac
}
