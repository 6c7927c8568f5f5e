#include "fs/metadata.hpp"

#include <sys/sysmacros.h>

namespace weft::inline v0_1::detail {

namespace {

constexpr std::uint32_t permission_bits = 07777;
constexpr std::uint64_t block_size = 512;  // of stx_blocks, whatever the file system

FileMetadata::Time time_from(const struct ::statx_timestamp& time) noexcept {
  return FileMetadata::Time(std::chrono::seconds(time.tv_sec) +
                            std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

FileType type_from(unsigned mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileType::regular;
    case S_IFDIR:
      return FileType::directory;
    case S_IFLNK:
      return FileType::link;
    case S_IFIFO:
      return FileType::fifo;
    case S_IFSOCK:
      return FileType::socket;
    case S_IFBLK:
      return FileType::block_device;
    case S_IFCHR:
      return FileType::character_device;
    default:
      return FileType::unknown;
  }
}

mode_t permissions_for(const struct ::statx& from, const struct ::statx& to) noexcept {
  const bool same = from.stx_uid == to.stx_uid && from.stx_gid == to.stx_gid;
  return from.stx_mode & (same ? permission_bits : permission_bits & ~unsigned{S_ISUID | S_ISGID});
}

FileMetadata metadata_from(const struct ::statx& found) noexcept {
  FileMetadata all;
  all.type = type_from(found.stx_mode);
  all.size = found.stx_size;
  all.allocated = found.stx_blocks * block_size;
  all.permissions = found.stx_mode & permission_bits;
  all.links = found.stx_nlink;
  all.user = found.stx_uid;
  all.group = found.stx_gid;
  all.inode = found.stx_ino;
  all.device = makedev(found.stx_dev_major, found.stx_dev_minor);
  all.accessed = time_from(found.stx_atime);
  all.modified = time_from(found.stx_mtime);
  all.changed = time_from(found.stx_ctime);
  if ((found.stx_mask & STATX_BTIME) != 0) all.created = time_from(found.stx_btime);
  return all;
}

}  // namespace weft::inline v0_1::detail
