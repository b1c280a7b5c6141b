//! Exact quantiles by linear interpolation: type 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages",
//! The American Statistician 50 (1996), the default of R and NumPy.

/// The `q`-quantile (0 to 1, clamped) of values sorted in ascending order; none of nothing.
///
/// With n values it lies at h = (n - 1) q: value(floor h) + (h - floor h) (value(floor h + 1) - value(floor h)).
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let h = last as f64 * if q.is_nan() { 0.0 } else { q.clamp(0.0, 1.0) };
    let below = h.floor() as usize;
    let low = sorted.get(below)?;
    let high = sorted.get(below + 1).unwrap_or(low);
    Some(low + (h - h.floor()) * (high - low))
}

/// Sorts the values and takes several quantiles of them, in the order asked for; none of nothing.
pub fn quantiles(values: &mut [f64], qs: &[f64]) -> Option<Vec<f64>> {
    values.sort_unstable_by(f64::total_cmp);
    qs.iter().map(|q| quantile(values, *q)).collect()
}
