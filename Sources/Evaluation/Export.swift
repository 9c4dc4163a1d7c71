import Glibc
import Images
import RPC
package import Results

/// How score maps are written.
package enum MapFormat: String, Sendable, CaseIterable {
    case npz
    case mat
}

/// The folder of masks and maps that are written beside the counts.
struct Export: Sendable {
    /// A label's scores at the truth's size, and its place among the set's classes, from 1.
    struct LabelMap: Sendable {
        let label: UInt8
        /// `[height, width]`, 0...1.
        let scores: [Float]
    }

    /// With links resolved.
    let folder: String
    let maps: MapFormat?

    private var maskFolder: String { PathText.joined(folder, "masks") }
    private var mapFolder: String { PathText.joined(folder, "maps") }

    /// As a question's fact says it.
    var text: String { "\(folder) (masks\(maps.map { ", maps as \($0.rawValue)" } ?? ""))" }

    /// - Throws: `FileError` where the folder is none
    init(to folder: String, maps: MapFormat?) throws(FileError) {
        guard let status = FileStatus(folder) else { throw .noDirectory(path: folder, canBeMade: mayMake(folder)) }
        guard status.isFolder else {
            throw .cannotWrite(path: folder, reason: "it is \(status.kind); name a folder: --export DIR")
        }
        self.folder = PathText.resolved(folder)
        self.maps = maps
    }

    /// The files of a picture.
    private func mask(of picture: Picture) -> String { PathText.joined(maskFolder, "\(picture.id).png") }

    private func maps(of picture: Picture) -> (path: String, format: MapFormat)? {
        maps.map { (PathText.joined(mapFolder, "\(picture.id).\($0.rawValue)"), $0) }
    }

    private func files(of picture: Picture) -> [String] {
        [mask(of: picture)] + [maps(of: picture)?.path].compactMap(\.self)
    }

    /// Whether a picture's files are all there.
    func has(_ picture: Picture) -> Bool {
        files(of: picture).allSatisfy { FileStatus($0)?.isFile == true }
    }

    /// Makes the folders, and sees to it that files can be written.
    ///
    /// - Parameter mayReplace: whether files that are there are this evaluation's own
    /// - Throws: ``ExportError``, `FileError`
    func prepare(for pictures: [Picture], mayReplace: Bool) throws {
        for folder in [maskFolder] + (maps == nil ? [] : [mapFolder]) {
            let code = unsafe PathText.withName(of: folder) { unsafe mkdir($0, 0o777) }
            guard code == 0 || errno == EEXIST else {
                throw FileError.cannotWrite(path: folder, reason: unsafe String(cString: strerror(errno)))
            }
        }
        for picture in pictures {
            for file in files(of: picture) {
                if !mayReplace, FileStatus(file, followingLinks: false) != nil { throw ExportError.exists(path: file) }
            }
        }
        for file in pictures.prefix(1).flatMap(files) { try checkPlace(file, force: true) }
    }

    /// Writes a picture's files, all of them or none.
    ///
    /// - Parameter labels: places among the set's classes, 0 for the background, `[height, width]`
    func write(_ picture: Picture, labels: [UInt8], width: Int, height: Int, maps: [LabelMap]) throws {
        var staged = StagedFiles(force: true)
        defer { staged.discard() }
        let mask = PNGFile(width: width, height: height, .indexed(labels, .voc), texts: [])
        try staged.stage(mask.encoded(), for: self.mask(of: picture))
        if let (path, format) = self.maps(of: picture) {
            try staged.stage(Self.encoded(maps, as: format, width: width, height: height), for: path)
        }
        try staged.commit()
    }

    private static func encoded(
        _ maps: [LabelMap], as format: MapFormat, width: Int, height: Int
    ) throws -> [UInt8] {
        switch format {
        case .npz:
            var archive = NumPyArchive()
            archive.add("classes", NumPyFile.encoded(maps.map { Int32($0.label) }, shape: [maps.count]))
            archive.add(
                "maps", NumPyFile.encoded(Array(maps.map(\.scores).joined()), shape: [maps.count, height, width]))
            return try archive.encoded()
        case .mat:
            // As DiffSegmenter's programs write and read it: classes from 0, scores up to 255.
            var file = MATFile()
            for map in maps {
                file.add(
                    "\(map.label - 1)", Compositing.scaled(map.scores, by: 255), rows: height, columns: width)
            }
            return try file.encoded()
        }
    }
}

/// Why nothing is exported.
package enum ExportError: Error, Equatable, CustomStringConvertible, ReasonedError {
    /// A file that this evaluation's journal knows nothing of.
    case exists(path: String)

    package var exitReason: ExitReason { .cannotWrite }

    package var description: String {
        switch self {
        case .exists(let path):
            "\(Streams.printable(path)) is there, and no journal says that this evaluation wrote it; name another "
                + "folder: --export DIR"
        }
    }
}
