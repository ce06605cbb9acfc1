//! Licence classifiers of `PyPI` and the SPDX licences they stand for.

use sekisho_model::License;

/// Classifiers that name exactly one licence of the SPDX list, by their last part.
///
/// From <https://pypi.org/classifiers/> as mapped by the appendix of PEP 639, which forbids to read a
/// licence out of those that leave version or variant open ("BSD License", "Apache Software License",
/// "GNU General Public License v3 (GPLv3)"); these are kept as names. Sorted.
const SPDX: &[(&str, &str)] = &[
    ("Attribution Assurance License", "AAL"),
    ("Blue Oak Model License (BlueOak-1.0.0)", "BlueOak-1.0.0"),
    ("Boost Software License 1.0 (BSL-1.0)", "BSL-1.0"),
    ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0"),
    ("CEA CNRS Inria Logiciel Libre License, version 2.1 (CeCILL-2.1)", "CECILL-2.1"),
    ("CMU License (MIT-CMU)", "MIT-CMU"),
    ("CeCILL-B Free Software License Agreement (CECILL-B)", "CECILL-B"),
    ("CeCILL-C Free Software License Agreement (CECILL-C)", "CECILL-C"),
    ("Common Development and Distribution License 1.0 (CDDL-1.0)", "CDDL-1.0"),
    ("Common Public License", "CPL-1.0"),
    ("Eclipse Public License 1.0 (EPL-1.0)", "EPL-1.0"),
    ("Eclipse Public License 2.0 (EPL-2.0)", "EPL-2.0"),
    ("Educational Community License, Version 2.0 (ECL-2.0)", "ECL-2.0"),
    ("European Union Public Licence 1.0 (EUPL 1.0)", "EUPL-1.0"),
    ("European Union Public Licence 1.1 (EUPL 1.1)", "EUPL-1.1"),
    ("European Union Public Licence 1.2 (EUPL 1.2)", "EUPL-1.2"),
    ("GNU Affero General Public License v3 or later (AGPLv3+)", "AGPL-3.0-or-later"),
    ("GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later"),
    ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
    ("GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"),
    ("Historical Permission Notice and Disclaimer (HPND)", "HPND"),
    ("IBM Public License", "IPL-1.0"),
    ("ISC License (ISCL)", "ISC"),
    ("MIT License", "MIT"),
    ("MIT No Attribution License (MIT-0)", "MIT-0"),
    ("MirOS License (MirOS)", "MirOS"),
    ("Motosoto License", "Motosoto"),
    ("Mozilla Public License 1.0 (MPL)", "MPL-1.0"),
    ("Mozilla Public License 1.1 (MPL 1.1)", "MPL-1.1"),
    ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
    ("Mulan Permissive Software License v2 (MulanPSL-2.0)", "MulanPSL-2.0"),
    ("NASA Open Source Agreement v1.3 (NASA-1.3)", "NASA-1.3"),
    ("Nethack General Public License", "NGPL"),
    ("Nokia Open Source License", "Nokia"),
    ("Open Group Test Suite License", "OGTSL"),
    ("Open Software License 3.0 (OSL-3.0)", "OSL-3.0"),
    ("PostgreSQL License", "PostgreSQL"),
    ("Python License (CNRI Python License)", "CNRI-Python"),
    ("Python Software Foundation License", "PSF-2.0"),
    ("Qt Public License (QPL)", "QPL-1.0"),
    ("Ricoh Source Code Public License", "RSCPL"),
    ("SIL Open Font License 1.1 (OFL-1.1)", "OFL-1.1"),
    ("Sleepycat License", "Sleepycat"),
    ("Sun Public License", "SPL-1.0"),
    ("The Unlicense (Unlicense)", "Unlicense"),
    ("Universal Permissive License (UPL)", "UPL-1.0"),
    ("University of Illinois/NCSA Open Source License", "NCSA"),
    ("Vovida Software License 1.0", "VSL-1.0"),
    ("W3C License", "W3C"),
    ("Zero-Clause BSD (0BSD)", "0BSD"),
    ("zlib/libpng License", "Zlib"),
];

/// The licence that a classifier states; `None` for other classifiers and for those that only say
/// who approved.
pub(super) fn license(classifier: &str) -> Option<License> {
    let rest = classifier.trim().strip_prefix("License :: ")?;
    let name = rest.rsplit_once(" :: ").map_or(rest, |(_, name)| name);
    if matches!(name, "OSI Approved" | "DFSG approved") {
        return None;
    }
    match SPDX.binary_search_by_key(&name, |(known, _)| known) {
        Ok(at) => SPDX.get(at).map(|(_, id)| License::Expression((*id).to_owned())),
        Err(_) => Some(License::Name(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_holds_spdx_licences() {
        assert!(SPDX.is_sorted_by(|(left, _), (right, _)| left < right));
        for (name, id) in SPDX {
            assert!(License::parse(id).unwrap().is_spdx_id(), "{name}: {id}");
        }
    }

    #[test]
    fn open_versions_stay_names() {
        let check = |classifier, expect| assert_eq!(license(classifier), expect, "{classifier}");
        check("License :: OSI Approved :: MIT License", Some(License::Expression("MIT".into())));
        check("License :: OSI Approved :: BSD License", Some(License::Name("BSD License".into())));
        check(
            "License :: CC0 1.0 Universal (CC0 1.0) Public Domain Dedication",
            Some(License::Expression("CC0-1.0".into())),
        );
        check("License :: Public Domain", Some(License::Name("Public Domain".into())));
        check("License :: OSI Approved", None);
        check("License :: DFSG approved", None);
        check("Topic :: License :: MIT License", None);
    }
}
