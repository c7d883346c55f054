#include "anonymize/cipher.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <string>

#include "core/error.h"

namespace tcpaccept::anonymize {
namespace {

[[noreturn]] void fail(const char* what) {
  throw Error(std::string("cannot anonymise: libcrypto failed to ") + what + "; is there memory left?");
}

// Without the configuration of the system: which cipher is meant is ours to say, and its file may be out of reach.
void initialise() {
  static const bool done = OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1;
  if (!done) fail("start");
}

}  // namespace

struct Aes128::Context {
  Context() : cipher(EVP_CIPHER_CTX_new()) {}
  ~Context() { EVP_CIPHER_CTX_free(cipher); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  EVP_CIPHER_CTX* cipher;
};

Aes128::Aes128(const AesKey& key) {
  initialise();
  context_ = std::make_unique<Context>();
  if (context_->cipher == nullptr ||
      EVP_EncryptInit_ex(context_->cipher, EVP_aes_128_ecb(), nullptr, key.data(), nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(context_->cipher, 0) != 1) {
    fail("set up AES");
  }
}
Aes128::~Aes128() = default;
Aes128::Aes128(Aes128&&) noexcept = default;
Aes128& Aes128::operator=(Aes128&&) noexcept = default;

void Aes128::encrypt(std::span<std::uint8_t> blocks) {
  constexpr std::size_t kMost = std::size_t{1} << 20;
  while (!blocks.empty()) {
    const std::span<std::uint8_t> some = blocks.first(std::min(blocks.size(), kMost));
    int written = 0;
    if (EVP_EncryptUpdate(context_->cipher, some.data(), &written, some.data(), static_cast<int>(some.size())) != 1 ||
        static_cast<std::size_t>(written) != some.size()) {
      fail("encrypt");
    }
    blocks = blocks.subspan(some.size());
  }
}

Digest keyed_hash(const Key& key, std::string_view label, std::string_view bytes) {
  initialise();
  std::string message{label};
  message += '\0';  // no label holds one
  message += bytes;
  Digest digest{};
  unsigned length = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(), &length) == nullptr ||
      length != digest.size()) {
    fail("hash");
  }
  return digest;
}

AesKey derived_key(const Key& key, std::string_view label) {
  const Digest digest = keyed_hash(key, "key", label);
  AesKey derived{};
  std::copy_n(digest.begin(), derived.size(), derived.begin());
  return derived;
}

}  // namespace tcpaccept::anonymize
