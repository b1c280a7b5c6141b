//! The decoders of tokens and cursors, opened to the fuzz targets.
use throughline_platform::seal::Sealer;

use crate::token::{Positions, open_cursor, open_token, seal_cursor, seal_token};

/// Takes any bytes as what a token packs, and as a token.
pub fn positions(bytes: &[u8]) {
    let sealer = Sealer::new([7; 32]);
    let stranger = Sealer::new([8; 32]);
    let token = String::from_utf8_lossy(bytes);
    assert!(open_token(&sealer, &token).is_err(), "nobody else can seal a token");
    assert!(open_cursor(&sealer, "bound", &token).is_err(), "nor a cursor");
    let Some((log, positions)) = Positions::unpack(bytes) else { return };
    let token = seal_token(&sealer, &log, &positions);
    assert!(open_token(&stranger, &token).is_err());
    // A token of very many positions is longer than any that is opened, and no log has so many parts.
    if let Ok(opened) = open_token(&sealer, &token) {
        assert_eq!(opened, (log, positions.clone()));
    }
    let cursor = seal_cursor(&sealer, "bound", &positions);
    assert!(open_cursor(&sealer, "elsewhere", &cursor).is_err());
    if let Ok(opened) = open_cursor(&sealer, "bound", &cursor) {
        assert_eq!(opened, positions);
    }
}
