//! What the page says, in each language.

use crate::language::Language;
use sekisho_model::{FindingStatus, Origin, Severity};

/// The words of one language. `{}` stands for a number.
pub(crate) struct Words {
    pub(crate) page: &'static str,
    pub(crate) refused: &'static str,
    pub(crate) refused_count: &'static str,
    pub(crate) passed: &'static str,
    pub(crate) passed_more: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) unnamed: &'static str,
    pub(crate) unknown_more: &'static str,
    pub(crate) not_scanned: &'static str,
    pub(crate) not_scanned_more: &'static str,
    pub(crate) incomplete: &'static str,
    pub(crate) incomplete_more: &'static str,
    pub(crate) more: &'static str,
    pub(crate) image_id: &'static str,
    pub(crate) platform: &'static str,
    pub(crate) base_image: &'static str,
    pub(crate) base_layers: &'static str,
    pub(crate) system: &'static str,
    pub(crate) packages: &'static str,
    pub(crate) assessed: &'static str,
    pub(crate) advisories: &'static str,
    pub(crate) made_by: &'static str,
    pub(crate) by_severity: &'static str,
    pub(crate) by_origin: &'static str,
    pub(crate) by_fix: &'static str,
    pub(crate) fixable: &'static str,
    pub(crate) not_fixable: &'static str,
    pub(crate) no_findings: &'static str,
    pub(crate) first: &'static str,
    pub(crate) first_more: &'static str,
    pub(crate) first_none: &'static str,
    pub(crate) upgrades_left: &'static str,
    pub(crate) findings: &'static str,
    pub(crate) suppressed: &'static str,
    pub(crate) suppressed_more: &'static str,
    pub(crate) why: &'static str,
    pub(crate) notes: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) vulnerability: &'static str,
    pub(crate) package: &'static str,
    pub(crate) installed: &'static str,
    pub(crate) upgrade_to: &'static str,
    pub(crate) fix: &'static str,
    pub(crate) removes: &'static str,
    pub(crate) origin: &'static str,
    pub(crate) epss: &'static str,
    pub(crate) exploited: &'static str,
    pub(crate) exploited_since: &'static str,
    pub(crate) ransomware: &'static str,
    pub(crate) refused_tag: &'static str,
    pub(crate) layer: &'static str,
    pub(crate) found_in: &'static str,
    pub(crate) aliases: &'static str,
    pub(crate) ratings: &'static str,
    pub(crate) sources: &'static str,
    pub(crate) published: &'static str,
    pub(crate) references: &'static str,
    pub(crate) search: &'static str,
    pub(crate) least: &'static str,
    pub(crate) any: &'static str,
    pub(crate) only_fixable: &'static str,
    pub(crate) only_exploited: &'static str,
    pub(crate) only_refused: &'static str,
    pub(crate) shown: &'static str,
    severities: [&'static str; 6],
    origins: [&'static str; 3],
    statuses: [&'static str; 6],
}

impl Words {
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &EN,
            Language::Ja => &JA,
        }
    }

    pub(crate) fn severity_of(&self, severity: Severity) -> &'static str {
        self.severities[severity as usize]
    }

    pub(crate) fn origin_of(&self, origin: Origin) -> &'static str {
        self.origins[origin as usize]
    }

    pub(crate) fn status_of(&self, status: FindingStatus) -> &'static str {
        self.statuses[status as usize]
    }
}

/// `text` with `count` in the place of `{}`.
pub(crate) fn fill(text: &str, count: usize) -> String {
    text.replacen("{}", &count.to_string(), 1)
}

static EN: Words = Words {
    page: "Vulnerability report",
    refused: "Refused by the gate",
    refused_count: "Findings that do not pass: {}.",
    passed: "Passed the gate",
    passed_more: "Nothing meets the gate's conditions.",
    unknown: "The gate cannot tell",
    unnamed: "unnamed",
    unknown_more: "Nothing is known to meet its conditions, but not all is known.",
    not_scanned: "Not scanned",
    not_scanned_more: "Vulnerabilities were not looked for. That nothing is listed does not mean that nothing is there.",
    incomplete: "Incomplete",
    incomplete_more: "Not everything could be read or judged. Vulnerabilities may be missing below.",
    more: "and {} more",
    image_id: "Image ID",
    platform: "Platform",
    base_image: "Base image",
    base_layers: "its lowest layers: {}",
    system: "System",
    packages: "Packages",
    assessed: "Assessed",
    advisories: "Advisories",
    made_by: "Made by",
    by_severity: "Findings by severity",
    by_origin: "Where they come from",
    by_fix: "What can be fixed",
    fixable: "A fixed version exists",
    not_fixable: "No fixed version",
    no_findings: "No findings.",
    first: "What to do first",
    first_more: "Upgrades that remove the most and the worst. Packages built from one source are one line; counts are of vulnerabilities.",
    first_none: "No finding has a fixed version yet.",
    upgrades_left: "Further upgrades that are not listed: {}.",
    findings: "Findings",
    suppressed: "Suppressed",
    suppressed_more: "These count for no gate: somebody answers for that.",
    why: "Why",
    notes: "Notes",
    severity: "Severity",
    vulnerability: "Vulnerability",
    package: "Package",
    installed: "Installed",
    upgrade_to: "Upgrade to",
    fix: "Fix",
    removes: "Removes",
    origin: "From",
    epss: "EPSS",
    exploited: "Known exploited",
    exploited_since: "Known exploited since",
    ransomware: "used by ransomware",
    refused_tag: "refused",
    layer: "Layer",
    found_in: "Found in",
    aliases: "Also known as",
    ratings: "Ratings",
    sources: "Said by",
    published: "Published",
    references: "References",
    search: "Search",
    least: "At least",
    any: "any",
    only_fixable: "fixable only",
    only_exploited: "known exploited only",
    only_refused: "refused only",
    shown: "{} of {} shown",
    severities: ["Unknown", "Negligible", "Low", "Medium", "High", "Critical"],
    origins: ["Base image", "Application", "Unknown"],
    statuses: [
        "fixed",
        "no fix known",
        "fix planned",
        "will not be fixed",
        "release out of support",
        "being looked into",
    ],
};

static JA: Words = Words {
    page: "脆弱性レポート",
    refused: "ゲート不合格",
    refused_count: "不合格とされた検出: {} 件。",
    passed: "ゲート合格",
    passed_more: "ゲートの条件に当たるものはありません。",
    unknown: "ゲート判定不能",
    unnamed: "名前なし",
    unknown_more: "条件に当たるものは見つかっていませんが、分かっていないことがあります。",
    not_scanned: "未検査",
    not_scanned_more: "脆弱性は調べられていません。一覧が空でも、脆弱性が無いという意味ではありません。",
    incomplete: "不完全な結果",
    incomplete_more: "読み取りまたは判定できなかったものがあります。以下に載っていない脆弱性があるかもしれません。",
    more: "ほか {} 件",
    image_id: "イメージ ID",
    platform: "プラットフォーム",
    base_image: "ベースイメージ",
    base_layers: "下から {} レイヤー",
    system: "OS",
    packages: "パッケージ数",
    assessed: "判定日時",
    advisories: "アドバイザリー",
    made_by: "作成",
    by_severity: "深刻度別の検出数",
    by_origin: "由来",
    by_fix: "修正の有無",
    fixable: "修正版あり",
    not_fixable: "修正版なし",
    no_findings: "検出はありません。",
    first: "最初に行うこと",
    first_more: "深刻な脆弱性を最も多く取り除く更新の順です。同じソースから作られたパッケージは 1 行にまとめ、件数は脆弱性の数です。",
    first_none: "修正版のある検出はまだありません。",
    upgrades_left: "ここに載せていない更新: {} 件。",
    findings: "検出",
    suppressed: "抑制された検出",
    suppressed_more: "責任者の判断により、ゲートの対象外です。",
    why: "理由",
    notes: "注記",
    severity: "深刻度",
    vulnerability: "脆弱性",
    package: "パッケージ",
    installed: "現在の版",
    upgrade_to: "更新先",
    fix: "修正",
    removes: "解消される件数",
    origin: "由来",
    epss: "EPSS",
    exploited: "悪用確認済み",
    exploited_since: "悪用確認日",
    ransomware: "ランサムウェアで使用",
    refused_tag: "不合格",
    layer: "レイヤー",
    found_in: "場所",
    aliases: "別名",
    ratings: "評価",
    sources: "情報源",
    published: "公開日",
    references: "参考情報",
    search: "検索",
    least: "深刻度の下限",
    any: "すべて",
    only_fixable: "修正版あり",
    only_exploited: "悪用確認済み",
    only_refused: "不合格のみ",
    shown: "{} / {} 件を表示",
    severities: ["不明", "軽微", "注意", "警告", "重要", "緊急"],
    origins: ["ベースイメージ", "アプリケーション", "不明"],
    statuses: ["修正済み", "修正版なし", "修正予定", "修正されない", "サポート終了", "調査中"],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_lists_are_those_of_the_variants() {
        assert_eq!(EN.severity_of(Severity::Critical), "Critical");
        assert_eq!(EN.origin_of(Origin::Application), "Application");
        assert_eq!(EN.status_of(FindingStatus::EndOfLife), "release out of support");
        assert_eq!(EN.status_of(FindingStatus::UnderInvestigation), "being looked into");
        assert_eq!(fill(JA.more, 3), "ほか 3 件");
    }
}
