/// The parts of a mask that some labels have, less those that others have: "sky + water", "person - face".
///
/// Each pixel is one label's or none's, so that the order in which parts are added and taken away does not count. A
/// label that an answer does not have is an empty part.
package struct RegionExpression: Sendable, Hashable {
    /// At least one. No name is there twice, here or among ``excluded``.
    let included: [String]
    let excluded: [String]

    init(label: String) {
        included = [label]
        excluded = []
    }

    /// - Returns: `nil` for names that are no region
    init?(included: [String], excluded: [String]) {
        let names = included + excluded
        guard !included.isEmpty, Set(names).count == names.count else { return nil }
        self.included = included
        self.excluded = excluded
    }

    /// Those included first: "sky + water - boat".
    var name: String { ([included.joined(separator: " + ")] + excluded).joined(separator: " - ") }

    /// All labels that it names.
    var labels: [String] { included + excluded }
}
