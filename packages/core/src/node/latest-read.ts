/** The last large read of the process. Written, and never used. */
export let latestRead: Uint8Array | undefined

/** Below this a read touches too few pages to matter. */
const largeBytes = 16 * 1024

/**
 * For a transport whose reads are memory that Node allocates, a new piece for each (accepted sockets, pipes): keeps hold of the last large one, so that
 * the allocator's heap has something alive at its end. For bodies that nobody keeps, the collector frees all reads at once, 32 MiB of them, and
 * glibc gives a heap that ends in free memory back to the system, only to take a fault for each page of it again. That doubled the
 * CPU of receiving (decision 0074). It costs at most one read, for the process.
 */
export function keepLatest(data: Uint8Array): void {
  if (data.length >= largeBytes) latestRead = data
}
