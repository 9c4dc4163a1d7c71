/// What of a data set counts. Figures under different protocols cannot be compared.
package struct EvaluationProtocol: Sendable, Equatable {
    /// What becomes of the pixels that belong to none of the classes.
    package enum Background: Sendable {
        /// They are a class of their own, which a pixel is given where no score exceeds the threshold.
        case isClass
        /// They are left out, and every other pixel is given the label of its highest score, whatever that is.
        case isIgnored
    }

    /// As tables of publications say it: "21 classes", "59 classes, without background".
    package let name: String
    package let background: Background

    init(classes: Int, background: Background) {
        self.background = background
        name =
            switch background {
            case .isClass: "\(classes + 1) classes"
            case .isIgnored: "\(classes) classes, without background"
            }
    }
}
