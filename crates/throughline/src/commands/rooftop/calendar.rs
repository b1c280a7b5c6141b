//! `throughline rooftop calendar ROOFTOP [--file FILE]`: when a rooftop and its departments are open.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::tz::TimeZone;
use throughline_proto::tenant::v1::{
    Calendar, GetRooftopRequest, Rooftop, UpdateRooftopRequest, directory_service_client::DirectoryServiceClient,
};

use super::hours;
use crate::{
    Connection,
    output::{Format, json_line, last_segment},
};

/// Largest file that is taken for one of calendars, bytes.
const LARGEST: u64 = 1024 * 1024;

/// Shows the calendars of a rooftop, after it has set them to those of a file if there is one.
///
/// # Errors
/// If the file cannot be read, or the suite refuses.
pub async fn run(connection: &Connection, id: &str, file: Option<PathBuf>, format: Format) -> anyhow::Result<()> {
    let file = file.map(|path| read(&path)).transpose()?;
    let mut directory = DirectoryServiceClient::new(connection.channel.clone());
    let name = format!("{}/rooftops/{id}", connection.parent);
    let mut rooftop = directory.get_rooftop(GetRooftopRequest { name }).await?.into_inner();
    let zone =
        TimeZone::get(&rooftop.zone).with_context(|| format!("this build does not know zone {}", rooftop.zone))?;
    if let Some(file) = file {
        let (calendars, department_calendars) = file.into_calendars(&zone)?;
        let paths = ["calendars", "department_calendars"].map(str::to_owned).to_vec();
        let request = UpdateRooftopRequest {
            rooftop: Some(Rooftop { calendars, department_calendars, ..rooftop }),
            update_mask: Some(prost_types::FieldMask { paths }),
            request_id: uuid::Uuid::new_v4().to_string(),
            actor: String::new(),
        };
        rooftop = directory.update_rooftop(request).await?.into_inner();
    }
    match format {
        Format::Table => say!("{}", hours::write(&rooftop, &zone).trim_end()),
        Format::Json => json_line(&json(&rooftop))?,
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<hours::File> {
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    anyhow::ensure!(size <= LARGEST, "{} has {size} bytes, at most {LARGEST} are read", path.display());
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    hours::File::parse(&text).with_context(|| format!("{} does not say opening hours", path.display()))
}

fn json(rooftop: &Rooftop) -> serde_json::Value {
    let calendar = |calendar: &Calendar| {
        let from = calendar.valid_from.as_ref().and_then(throughline_proto::time::from_wire);
        serde_json::json!({
            "version": calendar.version,
            "valid_from": from.map(|from| from.to_string()),
            "hours": calendar.hours.iter().map(|hours| serde_json::json!({
                "weekday": hours.weekday, "opens": hours.opens, "closes": hours.closes,
            })).collect::<Vec<_>>(),
            "holidays": calendar.holidays,
        })
    };
    let all = |calendars: &[Calendar]| calendars.iter().map(calendar).collect::<Vec<_>>();
    let departments = rooftop.department_calendars.iter();
    let departments = departments.map(|own| (own.department.clone(), all(&own.calendars).into()));
    serde_json::json!({
        "rooftop": last_segment(&rooftop.name),
        "zone": rooftop.zone,
        "in_force": rooftop.calendar.as_ref().map(|calendar| calendar.version),
        "calendars": all(&rooftop.calendars),
        "departments": departments.collect::<serde_json::Map<_, _>>(),
    })
}
