using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Makes one new image.</summary>
internal sealed class Qcow2Creation(Qcow2Driver driver, CreateContext context, Qcow2CreateOptions options)
{
    /// <summary>Makes the image.</summary>
    /// <returns>False where something was there under the name.</returns>
    public async Task<bool> RunAsync(CancellationToken cancel)
    {
        // One that is to have its space at once grows into it.
        bool grows = options.Preallocation != PreallocationMode.Off || options.HasRawDataFile;
        NewEncryption encryption = await Qcow2EncryptionOptions.MakeAsync(context, options.EncryptionRequest, cancel);
        Qcow2HeaderArea area = (options with { LengthBytes = grows ? 0 : options.LengthBytes, Encryption = encryption.Method }).CreateHeaderArea();
        Qcow2Layout layout = new(area, options.LengthBytes, encryption.Header);
        context.Step("create qcow2 file");
        bool isNew = await context.CreateFileAsync(0, cancel);
        context.Step("open qcow2 file");
        await WriteAsync(layout, cancel);
        if (options.DataFileName is not null)
        {
            context.Step("create qcow2 data file");
            await context.CreateOtherFileAsync(options.DataFileName, grows ? 0 : options.LengthBytes, cancel);
        }

        if (grows)
        {
            context.Step("allocate qcow2 image");
            await using CreatedFile image = await context.OpenImageAsync(driver, encryption.ToOpen, cancel);
            await image.SetLengthAsync(options.LengthBytes, options.Preallocation == PreallocationMode.Off ? PreallocationMode.Metadata : options.Preallocation, cancel);
        }

        context.Step("close qcow2 file");
        return isNew;
    }

    private async Task WriteAsync(Qcow2Layout layout, CancellationToken cancel)
    {
        await using CreatedFile file = await context.OpenFileAsync(cancel);
        context.Step("write qcow2 image");

        // The header last: until then it is no image.
        await file.SetLengthAsync(layout.LengthBytes, PreallocationMode.Off, cancel);
        await file.WriteAsync(layout.TableOffset, layout.Table, cancel);
        await file.WriteAsync(layout.BlocksOffset, layout.Blocks, cancel);
        if (!layout.EncryptionHeader.IsEmpty)
        {
            await file.WriteAsync(layout.EncryptionOffset, layout.EncryptionHeader, cancel);
        }

        await file.WriteAsync(0, layout.Head, cancel);
    }
}
