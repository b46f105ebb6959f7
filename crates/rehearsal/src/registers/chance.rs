//! Seeded chance: one stream for each purpose, so that drawing more for one thing leaves the others as they were.

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

/// A stream of seeded numbers.
pub(crate) struct Chance(ChaCha12Rng);

impl Chance {
    /// The stream of `purpose` under `seed`.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"hattama/rehearsal-chance/1");
        hash.update(seed.to_be_bytes());
        hash.update(purpose.as_bytes());
        Self(ChaCha12Rng::from_seed(hash.finalize().into()))
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        // 53 bits: all that a double holds
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A factor around 1, in 1/x as likely as in x; `spread` in (0, 1), the extremes are (1 ± spread) / (1 ∓ spread).
    pub(crate) fn factor(&mut self, spread: f64) -> f64 {
        let z = spread * (self.unit() + self.unit() + self.unit() - 1.5) / 1.5;
        (1.0 + z) / (1.0 - z)
    }

    /// True with this probability.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}
