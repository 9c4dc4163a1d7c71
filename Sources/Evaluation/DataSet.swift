package import RPC

/// A class of a data set.
package struct EvaluatedClass: Sendable, Equatable {
    package let name: String
    /// By which it is looked for; none: by its name.
    package let phrases: [Phrase]
    /// What a caption, or a file of labels, may call it beside its name and its phrases.
    package let synonyms: [String]
    /// In the truth, from 1.
    package let index: UInt8
}

/// A picture of a data set.
package struct Picture: Sendable, Equatable {
    /// Its file's name without extension, distinct within the set, without slashes.
    package let id: String
    package let path: String
    /// Of the true labels; `nil` where they were not asked for.
    package let truth: String?
}

/// Pictures, and which class each of their pixels belongs to. All files were there when it was made.
package struct DataSet: Sendable, Equatable {
    /// As it is asked for: "voc2012".
    package let name: String
    /// Its own folder.
    package let root: String
    package let split: String
    /// Of several truths, which one: "SegmentationClass"; `nil` where none was asked for.
    package let truth: String?
    /// In the order of their indices, 1 to 254 of them.
    package let classes: [EvaluatedClass]
    /// Words that compete with the classes.
    package let background: [String]
    /// In the order of the set's list, at least one.
    package let pictures: [Picture]
    /// At least one.
    package let protocols: [EvaluationProtocol]
    /// What of the set's making is to be said to people, a sentence each.
    package let notes: [String]
    /// How many pictures the split has, of which ``pictures`` are the first.
    package let splitCount: Int
    /// By a value of the truth's files: what it means, `nil` for one that they do not hold.
    let meanings: [UInt8?]
    /// Where lists say more than an identifier, its length.
    let digits: Int?
}
