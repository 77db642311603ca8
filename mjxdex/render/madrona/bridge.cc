// Between XLA and Madrona's batch renderer: one renderer per GPU, called from inside compiled JAX programs.
//
// Built at run time against the headers of gs-madrona and jaxlib, see library.py.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <dlfcn.h>

#include "xla/ffi/api/ffi.h"

// Madrona's headers know only Clang's standard library and MSVC's; what they ask of the former, GCC's has too.
#ifndef _LIBCPP_VERSION
#define _LIBCPP_VERSION 1
#include "mgr.hpp"
#undef _LIBCPP_VERSION
#else
#include "mgr.hpp"
#endif

namespace ffi = xla::ffi;
namespace math = madrona::math;

namespace {

using CuResult = int;
using CuDevicePtr = unsigned long long;
using CuStream = void *;

template <typename... Args>
auto driverFunction(const char *name) {
    void *driver = dlopen("libcuda.so.1", RTLD_LAZY);
    return reinterpret_cast<CuResult (*)(Args...)>(driver ? dlsym(driver, name) : nullptr);
}

struct Driver {
    CuResult (*synchronize)(CuStream) = driverFunction<CuStream>("cuStreamSynchronize");
    CuResult (*toHost)(void *, CuDevicePtr, size_t) =
        driverFunction<void *, CuDevicePtr, size_t>("cuMemcpyDtoH_v2");
    CuResult (*copy)(CuDevicePtr, CuDevicePtr, size_t, CuStream) =
        driverFunction<CuDevicePtr, CuDevicePtr, size_t, CuStream>("cuMemcpyDtoDAsync_v2");
    CuResult (*getContext)(void **) = driverFunction<void **>("cuCtxGetCurrent");
    CuResult (*setContext)(void *) = driverFunction<void *>("cuCtxSetCurrent");
};

const Driver &driver() {
    static Driver functions;
    return functions;
}

struct Renderer {
    std::unique_ptr<madGS::Manager> manager;
    std::vector<int32_t> objectIds;  // of the last call; their sizes are what Madrona holds
};

using Renderers = std::map<int32_t, Renderer>;  // by ordinal of the GPU

}  // namespace

extern "C" {

// The scene all worlds start from; arrays live in host memory, see renderer.py.
struct MjxdexScene {
    int32_t gpu, numWorlds, numViews, width, height;
    int32_t numMeshes, numVertices, numTriangles, numGeoms;
    const float *vertices;
    const int32_t *triangles;
    const int32_t *vertexOffsets;
    const int32_t *triangleOffsets;
    const int32_t *meshOfGeom;
    const float *sizes;
    float fovy, near, far;
};

void *mjxdexMadronaNew() { return new Renderers; }

void mjxdexMadronaDelete(void *renderers) { delete static_cast<Renderers *>(renderers); }

// Adds the renderer of one GPU. Returns null, or what went wrong (valid until the thread's next call).
const char *mjxdexMadronaAdd(void *renderers, const MjxdexScene *scene) {
    static thread_local std::string error;
    const int32_t n = scene->numGeoms;
    std::vector<int32_t> types(n, 7), groups(n, 0), data(scene->meshOfGeom, scene->meshOfGeom + n), materials(n, 0);
    std::vector<int32_t> noTexture(scene->numMeshes, -1);
    int32_t enabledGroup = 0, noMaterialTexture = 0;
    math::Vector4 white{1, 1, 1, 1};
    std::vector<float> fovy(scene->numViews, scene->fovy), near(scene->numViews, scene->near),
        far(scene->numViews, scene->far);
    std::vector<uint32_t> perspective(scene->numViews, 0);

    madGS::GSModel model{};
    model.meshGeo.vertices = (math::Vector3 *)scene->vertices;
    model.meshGeo.indices = (uint32_t *)scene->triangles;
    model.meshGeo.vertexOffsets = (uint32_t *)scene->vertexOffsets;
    model.meshGeo.triOffsets = (uint32_t *)scene->triangleOffsets;
    model.meshGeo.texCoordOffsets = noTexture.data();
    model.meshGeo.numVertices = scene->numVertices;
    model.meshGeo.numTris = scene->numTriangles;
    model.meshGeo.numMeshes = scene->numMeshes;
    model.geomTypes = types.data();
    model.geomGroups = groups.data();
    model.geomDataIDs = data.data();
    model.geomMatIDs = materials.data();
    model.enabledGeomGroups = &enabledGroup;
    model.geomSizes = (math::Vector3 *)scene->sizes;
    model.matRGBA = &white;
    model.matTexOffsets = &noMaterialTexture;
    model.numGeoms = n;
    model.numMats = 1;
    model.numCams = scene->numViews;
    model.numEnabledGeomGroups = 1;
    model.camFovy = fovy.data();
    model.camZNear = near.data();
    model.camZFar = far.data();
    model.camProjType = perspective.data();

    madGS::Manager::Config config{};
    config.gpuID = scene->gpu;
    config.numWorlds = scene->numWorlds;
    config.batchRenderViewWidth = scene->width;
    config.batchRenderViewHeight = scene->height;
    config.useRT = true;

    void *context = nullptr;
    driver().getContext(&context);
    auto manager = std::make_unique<madGS::Manager>(config, model);
    driver().setContext(context);
    if (const char *message = manager->lastError()) {
        error = message;
        return error.c_str();
    }
    (*static_cast<Renderers *>(renderers))[scene->gpu].manager = std::move(manager);
    return nullptr;
}

}  // extern "C"

// Blocks until Madrona is done: it renders on streams of its own.
static ffi::Error trace(CuStream stream, int32_t gpu, int64_t handle, ffi::Buffer<ffi::S32> objectId,
                        ffi::Buffer<ffi::F32> sizes, ffi::Buffer<ffi::F32> pos, ffi::Buffer<ffi::F32> quat,
                        ffi::Buffer<ffi::F32> cameraPos, ffi::Buffer<ffi::F32> cameraQuat,
                        ffi::Result<ffi::Buffer<ffi::F32>> distance, ffi::Result<ffi::Buffer<ffi::S32>> geom) {
    auto &renderers = *reinterpret_cast<Renderers *>(handle);
    auto found = renderers.find(gpu);
    if (found == renderers.end()) {
        return ffi::Error::Internal("Madrona has no renderer for GPU " + std::to_string(gpu));
    }
    auto &[manager, lastIds] = found->second;
    if (driver().synchronize(stream)) {
        return ffi::Error::Internal("a program before Madrona's failed on GPU " + std::to_string(gpu));
    }
    std::vector<int32_t> ids(objectId.element_count());
    driver().toHost(ids.data(), (CuDevicePtr)objectId.typed_data(), ids.size() * sizeof(int32_t));

    auto *geomPos = (const math::Vector3 *)pos.typed_data();
    auto *geomQuat = (const math::Quat *)quat.typed_data();
    auto *viewPos = (const math::Vector3 *)cameraPos.typed_data();
    auto *viewQuat = (const math::Quat *)cameraQuat.typed_data();
    if (ids != lastIds) {
        manager->init(geomPos, geomQuat, viewPos, viewQuat, nullptr, nullptr,
                      (const math::Diag3x3 *)sizes.typed_data(), nullptr, nullptr, nullptr, nullptr, nullptr,
                      nullptr, nullptr, nullptr);
        lastIds = std::move(ids);
    }
    const std::array<uint32_t, 5> outputs{0, 1, 0, 1, 0};  // rgb, depth, normals, segmentation, antialiasing
    manager->render(geomPos, geomQuat, viewPos, viewQuat, outputs.data());
    if (const char *message = manager->lastError()) {
        return ffi::Error::Internal(std::string("Madrona: ") + message);
    }
    const auto depth = (CuDevicePtr)manager->depthTensor().devicePtr();
    const auto segmentation = (CuDevicePtr)manager->segmentationTensor().devicePtr();
    if (driver().copy((CuDevicePtr)distance->typed_data(), depth, distance->size_bytes(), stream) ||
        driver().copy((CuDevicePtr)geom->typed_data(), segmentation, geom->size_bytes(), stream)) {
        return ffi::Error::Internal("Madrona's images could not be copied");
    }
    return ffi::Error::Success();
}

XLA_FFI_DEFINE_HANDLER_SYMBOL(mjxdexMadronaTrace, trace,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::PlatformStream<CuStream>>()
                                  .Ctx<ffi::DeviceOrdinal>()
                                  .Attr<int64_t>("renderers")
                                  .Arg<ffi::Buffer<ffi::S32>>()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>()
                                  .Ret<ffi::Buffer<ffi::S32>>());
