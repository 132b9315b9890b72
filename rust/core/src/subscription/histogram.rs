//! Histograms of durations.

/// Durations in buckets that are a thirty-second of a power of two wide, as in HDR histograms: percentiles are at most
/// 3.2 % too high. Only used buckets take memory, so that a hundred thousand histograms fit beside each other.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// Used buckets and their counts, in order.
    buckets: Vec<(u16, u32)>,
    count: u64,
    max_ns: u64,
}

/// Binary logarithm of the number of buckets per power of two.
const FINENESS: u32 = 5;

fn bucket(duration_ns: u64) -> u16 {
    let magnitude = (u64::BITS - duration_ns.leading_zeros()).saturating_sub(FINENESS + 1);
    let index = (u64::from(magnitude) << FINENESS) + (duration_ns >> magnitude);
    u16::try_from(index).unwrap_or(u16::MAX)
}

/// The longest duration in a bucket.
fn upper_ns(bucket: u16) -> u64 {
    let magnitude = (u32::from(bucket) >> FINENESS).saturating_sub(1);
    let mantissa = u64::from(bucket) - (u64::from(magnitude) << FINENESS);
    ((mantissa + 1) << magnitude).wrapping_sub(1)
}

impl Histogram {
    /// Counts a duration.
    pub fn record(&mut self, duration_ns: u64) {
        let wanted = bucket(duration_ns);
        match self.buckets.binary_search_by_key(&wanted, |(bucket, _)| *bucket) {
            Ok(place) => self.buckets[place].1 = self.buckets[place].1.saturating_add(1),
            Err(place) => self.buckets.insert(place, (wanted, 1)),
        }
        self.count += 1;
        self.max_ns = self.max_ns.max(duration_ns);
    }

    /// Number of recorded durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest of them, exactly; 0 if there are none.
    #[must_use]
    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The longest duration of each used bucket and its count, in order.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u32)> {
        self.buckets.iter().map(|(bucket, count)| (upper_ns(*bucket), *count))
    }

    /// The duration that so many per mille do not exceed; 0 if there are none.
    #[must_use]
    pub fn per_mille_ns(&self, per_mille: u64) -> u64 {
        let rank = (self.count * per_mille).div_ceil(1_000).max(1);
        let mut seen = 0;
        let reaches = |(_, count): &&(u16, u32)| {
            seen += u64::from(*count);
            seen >= rank
        };
        self.buckets.iter().find(reaches).map_or(0, |(bucket, _)| upper_ns(*bucket).min(self.max_ns))
    }
}
