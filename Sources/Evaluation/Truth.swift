import Limits
import Images
import Results

/// The true class of each pixel of a picture.
package struct Truth: Sendable, Equatable {
    /// Of pixels that count for nothing.
    package static let ignored: UInt8 = 255

    package let width: Int
    package let height: Int
    /// `[height, width]`: 0 for what belongs to no class, 1... for the set's classes, or ``ignored``.
    package let classes: [UInt8]
    /// The indices of the classes that are in the picture, ascending, without 0.
    package let present: [UInt8]
}

extension DataSet {
    /// Reads the true classes of a picture that has them.
    package func truth(of picture: Picture) throws(DataSetError) -> Truth {
        guard let path = picture.truth else { preconditionFailure("a picture without truth") }
        let image = try Self.indices(at: path)
        let (classes, seen) = image.translated(by: meanings.map { $0 ?? Truth.ignored })
        for value in seen where meanings[Int(value)] == nil {
            throw .value(Int(value), path: path, classes: self.classes.count)
        }
        let present = Set(seen.compactMap { meanings[Int($0)] }).subtracting([0, Truth.ignored]).sorted()
        return Truth(width: image.width, height: image.height, classes: classes, present: present)
    }

    private static func indices(at path: String) throws(DataSetError) -> IndexImage {
        do {
            return try IndexImage(decoding: InputFile.regularBytes(at: path, limit: Limit.pictureBytes))
        } catch {
            throw .truth(path: path, reason: "\(error)")
        }
    }
}
