import Texts

/// The links in a model's folder. Whoever made a folder that was fetched from elsewhere could have one lead to any file
/// that this user may read, so that they lead nowhere but into the folder itself, or to blobs in a cache of Hugging
/// Face, whose programs make such links.
enum FolderLinks {
    /// What lies at `path`, and, where that is a folder, in it.
    ///
    /// - Parameter root: the model's folder
    /// - Throws: `leadsOut` for what lies elsewhere
    static func check(_ path: String, within root: String) throws(CheckpointError) {
        guard let home = FilePath.real(root) else { return }
        try checkOne(path, within: home)
        guard FilePath.isFolder(path) else { return }
        for name in try CheckpointFiles.names(in: path).sorted() where ExactString(name) != ".." {
            try checkOne("\(path)/\(name)", within: home)
        }
    }

    /// What leads nowhere is told by whoever opens it.
    private static func checkOne(_ path: String, within home: String) throws(CheckpointError) {
        guard let real = FilePath.real(path), !real.utf8.elementsEqual(home.utf8),
            !real.utf8.starts(with: "\(home == "/" ? "" : home)/".utf8), !HubRepository.isBlob(real)
        else { return }
        throw .leadsOut(path: path, target: real)
    }
}
