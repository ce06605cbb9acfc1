//! FIRST's Exploit Prediction Scoring System: CSV behind a line of comment: <https://www.first.org/epss/data_stats>.

use super::feed::{Broken, Contents, Feed, FeedFile, Sink, is_named};
use super::text::is_cve;
use crate::record::Says;

/// All scores of a day.
pub(crate) static FEED: Feed = Feed {
    id: "epss",
    title: "FIRST EPSS scores",
    licence: "LicenseRef-EPSS",
    upstream: &["https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"],
    contents: Contents::List,
    recognises: |path, head| {
        let starts = |text: &[u8]| head.starts_with(text);
        is_named(path, &["epss_scores-"], "csv") || starts(b"#model_version:") || starts(b"cve,epss,percentile")
    },
    parse,
};

fn parse(file: &FeedFile<'_>, sink: &mut Sink<'_>) -> Result<(), Broken> {
    let comment = file.bytes.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
    sink.made(comment.and_then(|line| line.split_once("score_date:")).map(|(_, date)| date.trim()));
    let mut table = csv::ReaderBuilder::new().comment(Some(b'#')).flexible(true).from_reader(file.bytes);
    let headers = table.headers().map_err(Broken::new)?;
    if headers.iter().take(3).ne(["cve", "epss", "percentile"]) {
        return Err(Broken::new("its columns are not cve, epss and percentile"));
    }
    let mut row = csv::ByteRecord::new();
    while table.read_byte_record(&mut row).map_err(Broken::new)? {
        let field = |index| std::str::from_utf8(row.get(index).unwrap_or_default()).unwrap_or_default();
        let share = |index| field(index).parse().ok().filter(|share| (0.0..=1.0).contains(share));
        match (field(0), share(1), share(2)) {
            (id, Some(probability), Some(percentile)) if is_cve(id) => {
                sink.says(id, Says::Likelihood { probability, percentile });
            }
            (id, ..) => sink.skip(format_args!("{id:?}"), "it is not a CVE and two shares of one"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::testing;

    #[test]
    fn goldens() {
        testing::goldens(&FEED, "src/feeds/epss/fixtures");
    }

    #[test]
    fn what_is_no_share_of_one_is_skipped() {
        let table =
            b"cve,epss,percentile\nCVE-2024-1,0.5,1\nCVE-2024-2,1.5,0.5\nCVE-2024-3,NaN,0.5\nCVE-2024-4\nx,0,0\n";
        let (records, read) = testing::read(&FEED, "epss.csv", table);
        assert_eq!((records.len(), read.skipped, read.made), (1, 4, None));
        let table =
            b"#model_version:v2025.03.14,score_date:2026-08-20T12:55:00+0000\ncve,epss,percentile\nCVE-2024-1,0.5,1\n";
        let (_, read) = testing::read(&FEED, "epss.csv", table);
        assert_eq!(read.made, "2026-08-20T12:55:00Z".parse().ok());
    }
}
