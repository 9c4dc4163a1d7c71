import Texts

/// The outputs that options ask for, whatever labels an answer has.
struct WantedOutputs: Sendable {
    let mask: Output
    let overlay: Bool
    /// Of each label.
    let heat: Bool
    /// The labels to cut out, as they were typed.
    let cuts: [String]

    init(_ options: MaskOptions) {
        mask = options.maskValues == .grey ? .greyMask : .mask
        overlay = options.overlay
        heat = options.heat
        cuts = options.cuts
    }

    /// Those beside the mask.
    func extras(of labels: [String]) -> [Output] {
        (overlay ? [.overlay] : []) + (heat ? labels.map { .heat(label: $0) } : [])
            + labels.filter { label in cuts.contains { Self.names($0, label: label) } }.map { .cut(label: $0) }
    }

    /// The labels to cut out that an answer does not have.
    func missingCuts(of labels: [String]) -> [String] {
        cuts.filter { cut in !labels.contains { Self.names(cut, label: $0) } }
    }

    /// Whether `--cut` names a label, by its name or as it was typed, with backslashes.
    static func names(_ cut: String, label: String) -> Bool {
        [cut, WordList.name(cut)].contains { StreamSafe.isSafe($0) && $0 == label }
    }
}
